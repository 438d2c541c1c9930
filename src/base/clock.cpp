#include "base/clock.hpp"

#include <chrono>
#include <ctime>

#include "base/text.hpp"

namespace fp {
namespace {

class SystemClock final : public Clock {
 public:
  Instant now() const override {
    using namespace std::chrono;
    return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
  }
  std::int64_t steady_ms() const override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0;
};

Fields split(Instant at) {
  std::int64_t seconds = at.ms / 1000;
  std::int64_t ms = at.ms % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  const std::time_t t = seconds;
  std::tm tm{};
  gmtime_r(&t, &tm);
  return {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, static_cast<int>(ms)};
}

Result<Instant> join(const Fields& f, std::string_view text) {
  using namespace std::chrono;
  const year_month_day date{year{f.year}, month{static_cast<unsigned>(f.month)}, day{static_cast<unsigned>(f.day)}};
  if (f.year < 1970 || f.year > 9999 || !date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60)
    return fail(Code::invalid, "not a time: {:.40}", text);
  const auto days = sys_days{date}.time_since_epoch().count();
  const std::int64_t s = ((static_cast<std::int64_t>(days) * 24 + f.hour) * 60 + f.minute) * 60 + f.second;
  return Instant{s * 1000 + f.ms};
}

// Takes exactly `width` digits (or, where width is negative, one to -width).
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool number(int width, int& out) {
    const std::size_t most = static_cast<std::size_t>(width < 0 ? -width : width);
    std::size_t n = 0;
    int value = 0;
    while (n < most && n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') value = value * 10 + (rest_[n++] - '0');
    if (n == 0 || (width > 0 && n != most)) return false;
    rest_.remove_prefix(n);
    out = value;
    return true;
  }
  bool literal(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // ".123456" of any length to milliseconds
  void fraction(int& ms) {
    if (!literal('.')) return;
    int scale = 100;
    ms = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      ms += (rest_[0] - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
  }
  [[nodiscard]] bool done() const { return rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_[0]; }

 private:
  std::string_view rest_;
};

bool time_of_day(Reader& r, Fields& f) {
  return r.number(2, f.hour) && r.literal(':') && r.number(2, f.minute) && r.literal(':') && r.number(2, f.second);
}

Result<Instant> parse_iso(std::string_view text) {
  const auto bad = [&] { return fail(Code::invalid, "not a time: {:.40}", text); };
  Reader r(text);
  Fields f;
  if (!r.number(4, f.year) || !r.literal('-') || !r.number(2, f.month) || !r.literal('-') || !r.number(2, f.day)) return bad();
  if (!r.literal('T') && !r.literal(' ')) return bad();
  if (!time_of_day(r, f)) return bad();
  r.fraction(f.ms);
  int offset_min = 0;
  if (r.peek() == '+' || r.peek() == '-') {
    const int sign = r.peek() == '-' ? -1 : 1;
    r.literal(r.peek());
    int hours = 0, minutes = 0;
    if (!r.number(2, hours)) return bad();
    r.literal(':');
    if (!r.done() && r.peek() != 'Z' && !r.number(2, minutes)) return bad();
    offset_min = sign * (hours * 60 + minutes);
  }
  r.literal('Z');
  if (!r.done()) return bad();
  FP_TRY(at, join(f, text));
  return at.plus_s(-60LL * offset_min);
}

Result<Instant> parse_cim(std::string_view text) {
  Reader r(text);
  Fields f;
  int offset_min = 0;
  bool ok = r.number(4, f.year) && r.number(2, f.month) && r.number(2, f.day) && r.number(2, f.hour) &&
            r.number(2, f.minute) && r.number(2, f.second);
  r.fraction(f.ms);
  if (ok && (r.peek() == '+' || r.peek() == '-')) {
    const int sign = r.peek() == '-' ? -1 : 1;
    r.literal(r.peek());
    ok = r.peek() == '*' || r.number(3, offset_min);
    while (r.literal('*')) {}
    offset_min *= sign;
  }
  if (!ok || !r.done()) return fail(Code::invalid, "not a CIM time: {:.40}", text);
  FP_TRY(at, join(f, text));
  return at.plus_s(-60LL * offset_min);
}

Result<Instant> parse_us(std::string_view text) {
  Reader r(text);
  Fields f;
  if (!r.number(-2, f.month) || !r.literal('/') || !r.number(-2, f.day) || !r.literal('/') || !r.number(4, f.year) ||
      !r.literal(' ') || !time_of_day(r, f) || !r.done())
    return fail(Code::invalid, "not a time: {:.40}", text);
  return join(f, text);
}

constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr const char* kDays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};  // 1970-01-01 was a Thursday

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string to_iso(Instant at) {
  const Fields f = split(at);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", f.year, f.month, f.day, f.hour, f.minute, f.second);
}

std::string to_iso_ms(Instant at) {
  const Fields f = split(at);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", f.year, f.month, f.day, f.hour, f.minute, f.second, f.ms);
}

std::string to_cim(Instant at) {
  const Fields f = split(at);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}.{:03}000+000", f.year, f.month, f.day, f.hour, f.minute, f.second, f.ms);
}

std::string to_cookie(Instant at) {
  const Fields f = split(at);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", f.year, f.month, f.day, f.hour, f.minute, f.second, f.ms);
}

std::string to_http_date(Instant at) {
  const Fields f = split(at);
  std::int64_t days = at.ms / 86'400'000;
  if (at.ms % 86'400'000 < 0) --days;
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[((days % 7) + 7) % 7], f.day, kMonths[f.month - 1],
                     f.year, f.hour, f.minute, f.second);
}

Result<Instant> parse_time(std::string_view text) {
  text = trim(text);
  if (text.size() > 4 && text[4] == '-') return parse_iso(text);
  if (text.size() >= 14 && text.find('/') == std::string_view::npos) return parse_cim(text);
  return parse_us(text);
}

namespace {

int month_of(std::string_view name) {
  for (int m = 0; m < 12; ++m)
    if (name == kMonths[m]) return m + 1;
  return 0;
}

// "06 Nov 1994 08:49:37", or with hyphens and two digits of the year as RFC 850 had it
bool date_then_time(std::string_view text, char between, int year_digits, Fields& f) {
  if (text.size() < 6) return false;
  Reader day(text.substr(0, 3));
  f.month = month_of(text.substr(3, 3));
  Reader tail(text.substr(6));
  if (f.month == 0 || !day.number(2, f.day) || !day.literal(between)) return false;
  if (!tail.literal(between) || !tail.number(year_digits, f.year) || !tail.literal(' ') || !time_of_day(tail, f)) return false;
  if (year_digits == 2) f.year += f.year < 70 ? 2000 : 1900;
  return tail.done();
}

// "Sun Nov  6 08:49:37 1994"
bool asctime(std::string_view text, Fields& f) {
  if (text.size() != 24) return false;
  f.month = month_of(text.substr(4, 3));
  Reader day(text.substr(text[8] == ' ' ? 9 : 8));
  Reader time(text.substr(11, 8)), year(text.substr(20));
  return f.month != 0 && day.number(text[8] == ' ' ? 1 : 2, f.day) && day.literal(' ') && time_of_day(time, f) && year.number(4, f.year);
}

}  // namespace

Result<Instant> parse_http_date(std::string_view text) {
  Fields f;
  const auto comma = text.find(", ");
  bool good = false;
  if (comma == text.npos) good = asctime(text, f);
  else if (text.ends_with(" GMT")) {
    const auto rest = text.substr(comma + 2, text.size() - comma - 6);
    good = comma == 3 ? date_then_time(rest, ' ', 4, f) : date_then_time(rest, '-', 2, f);
  }
  if (!good) return fail(Code::invalid, "not an HTTP date: {:.40}", text);
  return join(f, text);
}

}  // namespace fp

#include "net/response_writer.hpp"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <charconv>

#include "base/log.hpp"
#include "base/text.hpp"

namespace fp::net {
namespace {

constexpr std::size_t kGatherBytes = 64U << 10;  // up to here everything is copied into one write
constexpr std::size_t kWindowBytes = 4U << 20;   // mapped at a time

std::int64_t size_of(const Segment& segment) {
  if (const auto* text = std::get_if<std::string>(&segment)) return static_cast<std::int64_t>(text->size());
  return std::max<std::int64_t>(std::get<FileSlice>(segment).length, 0);
}

std::int64_t body_bytes(const Response& response) {
  std::int64_t sum = 0;
  for (const auto& segment : response.body) sum += size_of(segment);
  return sum;
}

bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

// A header of a role must not be able to begin another header.
bool is_clean(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos; }

bool is_ours(std::string_view name) {
  return iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding") || iequals(name, "Connection") ||
         iequals(name, "Date") || iequals(name, "Server");
}

// A mapped stretch of a file. Page-aligned below, exact above.
class Window {
 public:
  Window(int file, std::int64_t offset, std::size_t length) : length_(length) {
    static const auto page = static_cast<std::int64_t>(sysconf(_SC_PAGESIZE));
    skip_ = static_cast<std::size_t>(offset % page);
    void* base = mmap(nullptr, length_ + skip_, PROT_READ, MAP_SHARED, file, offset - static_cast<std::int64_t>(skip_));
    base_ = base == MAP_FAILED ? nullptr : static_cast<char*>(base);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() {
    if (base_ != nullptr) munmap(base_, length_ + skip_);
  }
  [[nodiscard]] bool ok() const { return base_ != nullptr; }
  [[nodiscard]] std::string_view bytes() const { return {base_ + skip_, length_}; }
  [[nodiscard]] bool resident() const {
    std::array<unsigned char, kWindowBytes / 4096 + 1> pages;
    if (mincore(base_, length_ + skip_, pages.data()) != 0) return false;
    static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto count = (length_ + skip_ + page - 1) / page;
    return std::all_of(pages.begin(), pages.begin() + static_cast<std::ptrdiff_t>(count),
                       [](unsigned char p) { return (p & 1U) != 0; });
  }
  // Reads what is missing and fills the page tables. A shrunken file or a bad disk is false here instead of a signal later.
  [[nodiscard]] bool load() const {
    constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, Linux 5.14
    if (madvise(base_, length_ + skip_, kPopulateRead) == 0) return true;
    return errno == EINVAL;  // an older kernel: pages come one by one
  }

 private:
  char* base_ = nullptr;
  std::size_t length_;
  std::size_t skip_ = 0;
};

class Writer {
 public:
  Writer(Stream& stream, IoThread& loop) : stream_(stream), loop_(loop) {}

  Task<bool> write(std::string head, const std::vector<Segment>& body) {
    pending_ = std::move(head);
    for (std::size_t i = 0; i < body.size(); ++i) {
      const bool last = i + 1 == body.size();
      const auto* text = std::get_if<std::string>(&body[i]);
      const auto size = static_cast<std::size_t>(size_of(body[i]));
      if (pending_.size() + size > kGatherBytes) {
        if (!co_await flush(true)) co_return false;
        if (size > kGatherBytes) {
          bool done = false;
          if (text != nullptr)
            done = co_await stream_.write_all(*text, !last);
          else
            done = co_await stream_file(std::get<FileSlice>(body[i]));
          if (!done) co_return false;
          continue;
        }
      }
      if (text != nullptr) {
        pending_ += *text;
      } else {
        if (!co_await gather_file(std::get<FileSlice>(body[i]))) co_return false;
      }
    }
    co_return co_await flush(false);
  }

 private:
  Task<bool> flush(bool more) {
    if (pending_.empty()) co_return true;
    const bool done = co_await stream_.write_all(pending_, more);
    pending_.clear();
    co_return done;
  }

  // A small file: copied from the page cache, or read by a reader thread if it is not there.
  Task<bool> gather_file(const FileSlice& slice) {
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(slice.length, 0));
    if (size == 0) co_return true;
    const auto before = pending_.size();
    pending_.resize(before + size);
    iovec into{pending_.data() + before, size};
    if (preadv2(slice.file->get(), &into, 1, slice.offset, RWF_NOWAIT) == static_cast<ssize_t>(size)) co_return true;
    auto read = co_await run_on<bool>(loop_.core->readers, loop_.shared_from_this(), [slice, into](auto settle) {
      std::size_t got = 0;
      while (got < into.iov_len) {
        const auto step = pread(slice.file->get(), static_cast<char*>(into.iov_base) + got, into.iov_len - got,
                                slice.offset + static_cast<std::int64_t>(got));
        if (step <= 0 && !(step < 0 && errno == EINTR)) break;
        if (step > 0) got += static_cast<std::size_t>(step);
      }
      settle(got == into.iov_len);
    });
    co_return read.value_or(false);
  }

  Task<bool> stream_file(const FileSlice& slice) {
    std::int64_t at = slice.offset;
    const std::int64_t end = slice.offset + slice.length;
    while (at < end) {
      const auto size = static_cast<std::size_t>(std::min<std::int64_t>(end - at, kWindowBytes));
      auto window = std::make_shared<Window>(slice.file->get(), at, size);
      if (!window->ok()) co_return false;
      const bool plain = stream_.tls() == nullptr;
      if (!window->resident()) {
        auto loaded = co_await run_on<bool>(loop_.core->readers, loop_.shared_from_this(),
                                            [window](auto settle) { settle(window->load()); });
        if (!loaded.value_or(false)) co_return false;
      } else if (!plain && !window->load()) {
        co_return false;
      }
      bool sent = false;
      if (plain)
        sent = co_await stream_.send_file(slice.file->get(), at, size);
      else
        sent = co_await stream_.write_all(window->bytes());
      if (!sent) co_return false;
      at += static_cast<std::int64_t>(size);
    }
    co_return true;
  }

  Stream& stream_;
  IoThread& loop_;
  std::string pending_;
};

void append_number(std::string& out, std::int64_t number) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  out.append(text, end);
}

}  // namespace

std::string render_head(const Response& response, const WriteOptions& options, std::string_view date,
                        std::string_view server_name) {
  std::string head;
  head.reserve(512);
  head += "HTTP/1.1 ";
  append_number(head, response.status);
  head += ' ';
  head += response.reason.empty() || !is_clean(response.reason) ? reason_phrase(response.status) : response.reason;
  head.append("\r\nServer: ").append(server_name).append("\r\nDate: ").append(date).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (is_ours(name)) continue;
    if (!is_clean(name) || !is_clean(value)) {
      log::error("http", "a response header with a line break was left out");
      continue;
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
  const bool bodiless = has_no_body(response.status);
  if (!bodiless) {
    head += "Content-Length: ";
    append_number(head, options.head_only && response.head_length ? *response.head_length : body_bytes(response));
    head += "\r\n";
  }
  if (!options.keep_alive)
    head += "Connection: close\r\n";
  else if (!options.http11)
    head += "Connection: keep-alive\r\n";
  head += "\r\n";
  return head;
}

Task<bool> write_response(Stream& stream, IoThread& loop, const Response& response, const WriteOptions& options) {
  static const std::vector<Segment> nothing;
  const bool bodiless = options.head_only || has_no_body(response.status);
  auto head = render_head(response, options, loop.http_date(), loop.core->options.server_name);
  const auto& body = bodiless ? nothing : response.body;
  Writer writer(stream, loop);
  co_return co_await writer.write(std::move(head), body);
}

std::string_view reason_phrase(int status) {
  static const std::unordered_map<int, std::string_view> phrases = {
      {100, "Continue"}, {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"}, {206, "Partial Content"},
      {207, "Multi-Status"}, {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
      {307, "Temporary Redirect"}, {308, "Permanent Redirect"}, {400, "Bad Request"}, {401, "Unauthorized"},
      {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {406, "Not Acceptable"},
      {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"}, {412, "Precondition Failed"},
      {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"}, {422, "Unprocessable Content"}, {423, "Locked"}, {424, "Failed Dependency"},
      {428, "Precondition Required"}, {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
      {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"}, {507, "Insufficient Storage"}};
  const auto found = phrases.find(status);
  return found == phrases.end() ? "Status" : found->second;
}

}  // namespace fp::net

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
constexpr std::int64_t kAheadBytes = 4 << 20;    // brought into memory at a time
constexpr std::int64_t kSlowBytes = 64 << 10;
constexpr std::int64_t kRecordBytes = 16 << 10;  // of TLS

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

// Whether sending it would wait for no disk.
bool is_resident(int file, std::int64_t offset, std::int64_t size) {
  static const auto page = static_cast<std::int64_t>(sysconf(_SC_PAGESIZE));
  const auto begin = offset - offset % page;
  const auto length = static_cast<std::size_t>(offset + size - begin);
  void* base = mmap(nullptr, length, PROT_READ, MAP_SHARED, file, begin);
  if (base == MAP_FAILED) return false;
  std::array<unsigned char, kAheadBytes / 4096 + 2> pages;
  const bool known = mincore(base, length, pages.data()) == 0;
  munmap(base, length);
  const auto count = (length + static_cast<std::size_t>(page) - 1) / static_cast<std::size_t>(page);
  return known && std::all_of(pages.begin(), pages.begin() + static_cast<std::ptrdiff_t>(count),
                              [](unsigned char p) { return (p & 1U) != 0; });
}

// Reads all of it; false: the file is shorter than it was, or unreadable.
bool read_fully(int file, std::int64_t offset, char* into, std::size_t size) {
  std::size_t got = 0;
  while (got < size) {
    const auto step = pread(file, into + got, size - got, offset + static_cast<std::int64_t>(got));
    if (step == 0 || (step < 0 && errno != EINTR)) return false;
    if (step > 0) got += static_cast<std::size_t>(step);
  }
  return true;
}

// Brings a stretch into memory: on a thread that may wait for a disk.
bool read_ahead(int file, std::int64_t offset, std::int64_t size) {
  std::array<char, 64U << 10> scratch;
  while (size > 0) {
    const auto step = std::min<std::int64_t>(size, static_cast<std::int64_t>(scratch.size()));
    if (!read_fully(file, offset, scratch.data(), static_cast<std::size_t>(step))) return false;
    offset += step;
    size -= step;
  }
  return true;
}

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
    co_return co_await read_on_pool(slice, slice.offset, static_cast<char*>(into.iov_base), size);
  }

  Task<bool> read_on_pool(const FileSlice& slice, std::int64_t at, char* into, std::size_t size) {
    // A name of its own: GCC 12 destroys captures of a lambda twice that is written inside a co_await expression.
    auto job = [file = slice.file, at, into, size](auto settle) { settle(read_fully(file->get(), at, into, size)); };
    auto read = co_await run_on<bool>(loop_.core->readers, loop_.shared_from_this(), std::move(job));
    co_return read.value_or(false);
  }

  Task<bool> ahead_on_pool(const FileSlice& slice, std::int64_t at, std::int64_t size) {
    auto job = [file = slice.file, at, size](auto settle) { settle(read_ahead(file->get(), at, size)); };
    auto read = co_await run_on<bool>(loop_.core->readers, loop_.shared_from_this(), std::move(job));
    co_return read.value_or(false);
  }

  // Pages that are gone again when they are wanted, or a file system that cannot say: bytes by the pool, in small steps.
  Task<bool> stream_slowly(const FileSlice& slice, std::int64_t at, std::size_t size, bool more) {
    std::string bytes(size, '\0');
    if (!co_await read_on_pool(slice, at, bytes.data(), size)) co_return false;
    co_return co_await stream_.write_all(bytes, more);
  }

  Task<bool> stream_file(const FileSlice& slice) {
    if (stream_.tls() == nullptr) co_return co_await send_plain(slice);
    std::int64_t at = slice.offset;
    const std::int64_t end = slice.offset + slice.length;
    std::size_t turn = 0;
    bool fetched = false;  // by the pool, for this very place
    while (at < end) {
      const auto room = loop_.file_room();
      iovec into{room.data(), static_cast<std::size_t>(std::min<std::int64_t>(end - at, static_cast<std::int64_t>(room.size())))};
      const auto got = preadv2(slice.file->get(), &into, 1, at, RWF_NOWAIT);
      // A record that was begun is finished with at least as many bytes.
      if (got < std::min(end - at, kRecordBytes)) {
        if (!fetched) {
          if (!co_await ahead_on_pool(slice, at, std::min(end - at, kAheadBytes))) co_return false;
        } else {
          const auto step = std::min<std::int64_t>(end - at, kSlowBytes);
          if (!co_await stream_slowly(slice, at, static_cast<std::size_t>(step), at + step < end)) co_return false;
          at += step;
        }
        fetched = !fetched;
        turn = 0;
        continue;
      }
      fetched = false;
      Stream::Wait wait = Stream::Wait::none;
      const auto sent = stream_.write_now({room.data(), static_cast<std::size_t>(got)}, at + got < end, wait);
      at += static_cast<std::int64_t>(sent);
      turn += sent;
      if (wait != Stream::Wait::none) {
        // What the peer has not taken is read again: a slow line holds no memory of ours.
        if (!co_await stream_.blocked_write(wait)) co_return false;
        turn = 0;
      } else if (turn >= kTurnBytes) {
        turn = 0;
        co_await asio::post(asio::use_awaitable);
      }
    }
    co_return co_await stream_.write_all({});  // what TLS holds already
  }

  Task<bool> send_plain(const FileSlice& slice) {
    std::int64_t at = slice.offset;
    const std::int64_t end = slice.offset + slice.length;
    while (at < end) {
      const auto size = std::min(end - at, kAheadBytes);
      // sendfile would wait for a disk on the event loop.
      if (!is_resident(slice.file->get(), at, size)) {
        if (!co_await ahead_on_pool(slice, at, size)) co_return false;
      }
      if (!co_await stream_.send_file(slice.file->get(), at, static_cast<std::size_t>(size))) co_return false;
      at += size;
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

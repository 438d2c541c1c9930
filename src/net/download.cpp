// fetch_range: a stretch of a file with every check of its answer made by ourselves.
#include "base/text.hpp"
#include "net/client.hpp"
#include "wire/range.hpp"

namespace fp::net {
namespace {

std::string_view header_of(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return value;
  return {};
}

Status check_status(int status, const std::string& url) {
  if (status == 200 || status == 206) return {};
  if (status == 404 || status == 410) return fail(Code::not_found, "{}: not there ({})", url, status);
  if (status == 401 || status == 403) return fail(Code::forbidden, "{}: refused ({})", url, status);
  if (status == 416) return fail(Code::invalid, "{}: the range does not lie within the file (416)", url);
  if (status == 429 || status >= 500) return fail(Code::unavailable, "{}: the server cannot answer now ({})", url, status);
  return fail(Code::conflict, "{}: unexpected answer {}", url, status);
}

Status check_answer(int status, const Headers& headers, const RangeRequest& asked, RangeReply& reply, std::int64_t& due) {
  FP_CHECK(check_status(status, asked.url));
  reply.etag = header_of(headers, "ETag");
  if (!asked.etag.empty() && reply.etag != asked.etag)
    return fail(Code::conflict, "{}: the file has changed: ETag {} where {} was expected", asked.url, reply.etag, asked.etag);
  const auto coding = header_of(headers, "Content-Encoding");
  if (!coding.empty() && !iequals(coding, "identity"))
    return fail(Code::corrupt, "{}: a proxy or server encoded the content as {}", asked.url, coding);
  const auto length = parse_int(header_of(headers, "Content-Length"));
  if (status == 206) {
    const auto range = wire::parse_content_range(header_of(headers, "Content-Range"));
    if (!range || !range->span)
      return fail(Code::corrupt, "{}: malformed Content-Range \"{}\"", asked.url, header_of(headers, "Content-Range").substr(0, 80));
    const std::int64_t first = range->span->offset, last = first + range->span->length - 1;
    if (first != asked.range.first || (asked.range.last >= 0 && last > asked.range.last))
      return fail(Code::corrupt, "{}: bytes {}-{} came where {}-{} were asked for", asked.url, first, last, asked.range.first,
                  asked.range.last);
    reply.total_bytes = range->size_bytes.value_or(-1);
    due = range->span->length;
    if (length && *length != due) return fail(Code::corrupt, "{}: Content-Length and Content-Range disagree", asked.url);
  } else {
    if (asked.range.first != 0)
      return fail(Code::conflict, "{}: the range was ignored on the way (200 where 206 was due)", asked.url);
    if (length) reply.total_bytes = due = *length;
  }
  if (asked.total_bytes >= 0 && reply.total_bytes >= 0 && reply.total_bytes != asked.total_bytes)
    return fail(Code::conflict, "{}: the file has {} bytes where {} were expected", asked.url, reply.total_bytes,
                asked.total_bytes);
  return {};
}

}  // namespace

Result<RangeReply> fetch_range(Client& client, const RangeRequest& asked, const std::function<bool(std::string_view)>& sink) {
  RangeReply reply;
  Status checked;
  std::int64_t due = -1;  // bytes that the answer announced
  // Of a 200 only as much is taken as was asked for.
  const std::int64_t wanted = asked.range.last < 0 ? -1 : asked.range.last - asked.range.first + 1;
  bool sink_failed = false;
  ClientRequest request;
  request.url = asked.url;
  request.headers = asked.headers;
  if (asked.range.first != 0 || asked.range.last >= 0) request.range = asked.range;
  if (request.range && !asked.etag.empty()) request.headers.emplace_back("If-Range", asked.etag);
  request.on_headers = [&](int status, const Headers& headers) {
    checked = check_answer(status, headers, asked, reply, due);
    return checked.has_value();
  };
  request.sink = [&](std::string_view bytes) {
    if (wanted >= 0) bytes = bytes.substr(0, static_cast<std::size_t>(wanted - reply.received_bytes));
    if (!bytes.empty() && !sink(bytes)) {
      sink_failed = true;
      return false;
    }
    reply.received_bytes += static_cast<std::int64_t>(bytes.size());
    return wanted < 0 || reply.received_bytes < wanted || due <= wanted;
  };
  auto performed = client.perform(request);
  if (!checked) return std::unexpected(checked.error());
  const bool complete = reply.received_bytes == wanted || (due >= 0 && reply.received_bytes == due);
  if (!performed && (sink_failed || !complete)) return std::unexpected(performed.error());
  if (due >= 0 && !complete)
    return fail(Code::corrupt, "{}: {} bytes came where {} were announced", asked.url, reply.received_bytes, due);
  return reply;
}

}  // namespace fp::net

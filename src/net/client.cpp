#include "net/client.hpp"

#include <curl/curl.h>

#include <cerrno>
#include <mutex>

#include "base/text.hpp"
#include "net/client_tls.hpp"
#include "net/proxy_rules.hpp"

namespace fp::net {
namespace {

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// What the callbacks of one transfer share.
struct Transfer {
  const ClientRequest* request = nullptr;
  ClientResponse response;
  std::size_t body_bytes_max = 0;
  std::size_t sent = 0;
  bool headers_told = false;
  bool stopped_by_headers = false;
  bool stopped_by_sink = false;
  const std::function<bool()>* stop = nullptr;
  bool stopped = false;
  bool too_large = false;
  char error[CURL_ERROR_SIZE] = {};
};

// libcurl calls this for each header line of each answer, 100 Continue and a proxy's CONNECT included.
std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const auto line = trim(std::string_view(data, size));
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();
    const auto space = line.find(' ');
    transfer.response.version = line.substr(5, space == line.npos ? 0 : space - 5);
    const auto status = space == line.npos ? Result<std::int64_t>(0) : parse_int(line.substr(space + 1, 3));
    transfer.response.status = static_cast<int>(status.value_or(0));
    return size;
  }
  const auto colon = line.find(':');
  if (colon == line.npos) return size;
  transfer.response.headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
  return size;
}

bool tell_headers(Transfer& transfer) {
  if (transfer.headers_told || transfer.stopped_by_headers) return !transfer.stopped_by_headers;
  transfer.headers_told = true;
  const auto& hook = transfer.request->on_headers;
  if (hook && !hook(transfer.response.status, transfer.response.headers)) transfer.stopped_by_headers = true;
  return !transfer.stopped_by_headers;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!tell_headers(transfer)) return CURL_WRITEFUNC_ERROR;
  if (transfer.request->sink) {
    if (transfer.request->sink({data, size})) return size;
    transfer.stopped_by_sink = true;
    return CURL_WRITEFUNC_ERROR;
  }
  if (transfer.response.body.size() + size > transfer.body_bytes_max) {
    transfer.too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  transfer.response.body.append(data, size);
  return size;
}

// libcurl calls this about once a second, and whenever something moves.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.stopped = transfer.stopped || (*transfer.stop)();
  return transfer.stopped ? 1 : 0;
}

std::size_t on_upload(char* into, std::size_t one, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t room = one * count;
  if (transfer.request->upload) return std::min(room, transfer.request->upload(into, room));
  const auto& body = transfer.request->body;
  const auto step = std::min(room, body.size() - transfer.sent);
  std::memcpy(into, body.data() + transfer.sent, step);
  transfer.sent += step;
  return step;
}

// A kept connection may turn out dead after the body was begun: then libcurl begins again.
int on_seek(void* user, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.request->upload || origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  transfer.sent = std::min(static_cast<std::size_t>(offset), transfer.request->body.size());
  return CURL_SEEKFUNC_OK;
}

std::string part_of(const std::string& url, CURLUPart part) {
  std::unique_ptr<CURLU, CurlFree> parsed(curl_url());
  char* text = nullptr;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
      curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
    return {};
  std::string out(text);
  curl_free(text);
  return out;
}

// "name:port" for error sentences.
std::string place_of(const std::string& url) {
  const auto host = part_of(url, CURLUPART_HOST), port = part_of(url, CURLUPART_PORT);
  return host.empty() ? url : port.empty() ? host : host + ":" + port;
}

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::unexpected<Error> connect_fault(CURL* curl, const std::string& place, const std::string& detail) {
  long number = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
  if (number == ECONNREFUSED) return fail(Code::unavailable, "{} refused the connection", place);
  if (number == ENETUNREACH || number == EHOSTUNREACH) return fail(Code::unavailable, "no route to {}", place);
  return fail(Code::unavailable, "no connection to {}: {}", place, detail);
}

std::unexpected<Error> network_fault(CURLcode code, const std::string& place, const Transfer& t) {
  const std::string detail = t.error[0] != '\0' ? t.error : curl_easy_strerror(code);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return fail(Code::unavailable, "DNS: the name of {} cannot be resolved", place);
    case CURLE_OPERATION_TIMEDOUT: return fail(Code::timed_out, "{} did not answer in time: {}", place, detail);
    case CURLE_GOT_NOTHING: return fail(Code::unavailable, "{} closed the connection without an answer", place);
    case CURLE_PARTIAL_FILE:
      return fail(Code::unavailable, "the connection to {} was broken off in the middle of the body", place);
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return fail(Code::unavailable, "the connection to {} was broken off: {}", place, detail);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return fail(Code::invalid, "the address {} is not one of HTTP or HTTPS", t.request->url);
    default: return fail(Code::unavailable, "{}: {}", place, detail);
  }
}

std::string offered_logins(CURL* curl) {
  long mask = 0;
  curl_easy_getinfo(curl, CURLINFO_PROXYAUTH_AVAIL, &mask);
  std::string out;
  for (const auto& [bit, name] : {std::pair(CURLAUTH_NEGOTIATE, "Negotiate"), std::pair(CURLAUTH_NTLM, "NTLM"),
                                  std::pair(CURLAUTH_DIGEST, "Digest"), std::pair(CURLAUTH_BASIC, "Basic")})
    if ((static_cast<unsigned long>(mask) & bit) != 0) out += (out.empty() ? "" : ", ") + std::string(name);
  return out.empty() ? "nothing" : out;
}

Error login_fault(CURL* curl, const ClientOptions& options) {
  const auto offers = offered_logins(curl);
  if (!options.proxy_user.empty())
    return {Code::unavailable, fmt::format("the web proxy {} does not take the login of {} (407; it offers {}): check user name and password",
                                         options.proxy, options.proxy_user, offers)};
  if (offers.find("Negotiate") != offers.npos)
    return {Code::unavailable, fmt::format("the web proxy {} wants a login (407; it offers {}) and takes no Kerberos ticket of this "
                                         "computer: give user and password, or check keytab, clock and the service HTTP/ of the proxy",
                                         options.proxy, offers)};
  return {Code::unavailable, fmt::format("the web proxy {} wants a login (407; it offers {}): give user and password", options.proxy, offers)};
}

// What the proxy said to CONNECT, or that it said nothing. Empty: it did its part.
std::optional<Error> connect_answer(CURL* curl, CURLcode code, const std::string& place, const ClientOptions& options) {
  long status = 0, number = 0;
  double connected_s = 0, tls_s = 0;
  curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &status);
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
  curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME, &connected_s);
  curl_easy_getinfo(curl, CURLINFO_APPCONNECT_TIME, &tls_s);
  const auto& proxy = options.proxy;
  if (status == 407) return login_fault(curl, options);
  if (status == 403 || status == 405)
    return Error{Code::unavailable, fmt::format("the web proxy {} refuses CONNECT to {} ({}): it has to allow that name and port", proxy, place, status)};
  if (status >= 500 || status / 100 == 2) return std::nullopt;
  if (status != 0) return Error{Code::unavailable, fmt::format("the web proxy {} answered {} to CONNECT {}", proxy, status, place)};
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY: return Error{Code::unavailable, fmt::format("the web proxy {} cannot be resolved (DNS)", proxy)};
    case CURLE_COULDNT_CONNECT:
      return Error{Code::unavailable, number == ECONNREFUSED ? fmt::format("the web proxy {} refused the connection", proxy)
                                                             : fmt::format("the web proxy {} is not reached", proxy)};
    case CURLE_OPERATION_TIMEDOUT:
      if (connected_s == 0) return Error{Code::unavailable, fmt::format("the web proxy {} is not reached: no answer in time", proxy)};
      return tls_s == 0 ? std::optional(Error{Code::unavailable, fmt::format("the web proxy {} did not answer CONNECT {} in time", proxy, place)})
                        : std::nullopt;
    case CURLE_PROXY:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return tls_s == 0 ? std::optional(Error{Code::unavailable, fmt::format("the web proxy {} broke off at CONNECT {}", proxy, place)})
                        : std::nullopt;
    default: return std::nullopt;
  }
}

}  // namespace

struct Client::Impl {
  ClientOptions options;
  std::unique_ptr<CURL, CurlFree> handle;
  ClientTlsState tls;
  bool through_proxy = false;  // this call
  bool proxy_failed = false;

  [[nodiscard]] std::optional<Error> proxy_fault(CURLcode code, const std::string& url, const Transfer& transfer);
  void set_connection(CURL* curl, const std::string& url);
  void set_request(CURL* curl, const ClientRequest& request, Transfer& transfer);
  std::unique_ptr<curl_slist, CurlFree> header_list(const ClientRequest& request) const;
  std::unexpected<Error> explain(CURLcode code, const ClientRequest& request, const Transfer& transfer);
};

void Client::Impl::set_connection(CURL* curl, const std::string& url) {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_timeout_s));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(options.total_timeout_s));
  if (options.low_speed_s > 0) {
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(std::max(options.low_speed_bytes_s, 1)));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.low_speed_s));
  }
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
  auto host = part_of(url, CURLUPART_HOST);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  through_proxy = !options.proxy.empty() && !is_excepted(options.no_proxy, host);
  // Empty text, not null: libcurl would read http_proxy and no_proxy from the environment otherwise.
  curl_easy_setopt(curl, CURLOPT_PROXY, through_proxy ? options.proxy.c_str() : "");
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
  if (through_proxy) {
    const bool named = !options.proxy_user.empty();
    // Two of them, so that libcurl waits for what the proxy asks before it shows anything.
    curl_easy_setopt(curl, CURLOPT_PROXYAUTH, static_cast<long>(named ? CURLAUTH_BASIC | CURLAUTH_DIGEST : CURLAUTH_NEGOTIATE | CURLAUTH_DIGEST));
    curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, options.proxy_user.c_str());
    curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD, options.proxy_password.c_str());
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  }
  if (!options.local_address.empty()) curl_easy_setopt(curl, CURLOPT_INTERFACE, options.local_address.c_str());
}

std::unique_ptr<curl_slist, CurlFree> Client::Impl::header_list(const ClientRequest& request) const {
  std::unique_ptr<curl_slist, CurlFree> list;
  auto add = [&list](const std::string& line) {
    auto* grown = curl_slist_append(list.get(), line.c_str());
    (void)list.release();
    list.reset(grown);
  };
  bool typed = false;
  bool expecting = false;
  for (const auto& [name, value] : request.headers) {
    typed = typed || iequals(name, "Content-Type");
    expecting = expecting || iequals(name, "Expect");
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  // libcurl invents these two for a body.
  if (!typed) add("Content-Type:");
  if (!expecting) add("Expect:");
  return list;
}

void Client::Impl::set_request(CURL* curl, const ClientRequest& request, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  const bool streamed = static_cast<bool>(request.upload);
  if (streamed || !request.body.empty() || request.send_body) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    const auto size = streamed ? request.upload_bytes : static_cast<std::int64_t>(request.body.size());
    if (size >= 0) curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &on_upload);
    curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, &on_seek);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, &transfer);
  } else if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.range) {
    const auto& range = *request.range;
    const auto text = range.last < 0 ? fmt::format("{}-", range.first) : fmt::format("{}-{}", range.first, range.last);
    curl_easy_setopt(curl, CURLOPT_RANGE, text.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer.error);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  if (transfer.stop == nullptr) return;
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

std::unexpected<Error> Client::Impl::explain(CURLcode code, const ClientRequest& request, const Transfer& transfer) {
  const auto place = place_of(request.url);
  if (transfer.stopped) return fail(Code::io, "the call to {} was ended: the caller has to stop", place);
  if (transfer.stopped_by_headers) return fail(Code::conflict, "the answer's header was not accepted");
  if (transfer.stopped_by_sink) return fail(Code::io, "the receiver of the body stopped the transfer");
  if (through_proxy) {
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_HTTP_CONNECTCODE, &status);
    if (status >= 500) return fail(Code::unavailable, "{} is not reached by the web proxy {} ({})", place, options.proxy, status);
  }
  if (transfer.too_large) return fail(Code::too_large, "the answer of {} is larger than {} bytes", place, transfer.body_bytes_max);
  if (auto tls_error = tls.explain(handle.get(), code, place, transfer.error)) return std::unexpected(std::move(*tls_error));
  if (code == CURLE_COULDNT_CONNECT) return connect_fault(handle.get(), place, transfer.error);
  return network_fault(code, place, transfer);
}

// Plain HTTP goes to the proxy itself: its 407 comes as the answer, and nothing else tells it from a server.
std::optional<Error> Client::Impl::proxy_fault(CURLcode code, const std::string& url, const Transfer& transfer) {
  if (!through_proxy || transfer.stopped || transfer.stopped_by_sink) return std::nullopt;
  const bool plain = istarts_with(url, "http://");
  if (plain && transfer.response.status == 407) return login_fault(handle.get(), options);
  if (plain && transfer.response.status != 0) return std::nullopt;
  if (code == CURLE_OK) return std::nullopt;
  return connect_answer(handle.get(), code, place_of(url), options);
}

std::string_view ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return value;
  return {};
}

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>()) {
  start_library();
  impl_->options = std::move(options);
  impl_->handle.reset(curl_easy_init());
}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<ClientResponse> Client::perform(const ClientRequest& request) {
  auto* curl = impl_->handle.get();
  if (curl == nullptr) return fail(Code::internal, "libcurl did not start");
  curl_easy_reset(curl);  // options only: connections and sessions are kept
  Transfer transfer;
  transfer.request = &request;
  transfer.body_bytes_max = impl_->options.body_bytes_max;
  if (impl_->options.stop) transfer.stop = &impl_->options.stop;
  impl_->set_connection(curl, request.url);
  impl_->tls.seen = request.tls_seen;
  FP_CHECK(impl_->tls.apply(curl, request.tls_seen != nullptr ? ClientTls{} : impl_->options.tls));
  if (request.tls_seen != nullptr) {
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);  // a resumed session shows no chain
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  }
  impl_->set_request(curl, request, transfer);
  const auto headers = impl_->header_list(request);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  std::unique_ptr<curl_slist, CurlFree> resolve;
  if (!impl_->options.resolve.empty()) {
    resolve.reset(curl_slist_append(nullptr, impl_->options.resolve.c_str()));
    curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve.get());
  }
  const auto code = curl_easy_perform(curl);
  auto refused = impl_->proxy_fault(code, request.url, transfer);
  impl_->proxy_failed = refused.has_value();
  if (refused) return std::unexpected(std::move(*refused));
  if (code == CURLE_OK) (void)tell_headers(transfer);
  if (code != CURLE_OK || transfer.stopped_by_headers) return impl_->explain(code, request, transfer);
  char* address = nullptr;
  if (curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address != nullptr)
    transfer.response.effective_ip = address;
  long connects = 0;
  curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
  transfer.response.connection_reused = connects == 0;
  return std::move(transfer.response);
}

Result<ClientResponse> Client::get(const std::string& url, Headers headers) {
  ClientRequest request;
  request.url = url;
  request.headers = std::move(headers);
  return perform(request);
}

bool Client::proxy_failed() const { return impl_->proxy_failed; }

void Client::drop_connections() {
  impl_->handle.reset(curl_easy_init());
}

}  // namespace fp::net

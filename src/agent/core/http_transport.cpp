#include "agent/core/http_transport.hpp"

#include "net/client.hpp"

namespace fp::agent {

struct HttpTransport::Impl {
  net::Client client, stranger;
  net::Client& for_call(const Call& call) { return call.stranger ? stranger : client; }
};

namespace {

// Uploads and policy wait for a worker pool that may be busy after an outage, but never for ever.
constexpr int kConnectTimeoutS = 15;
constexpr int kStallS = 25;

net::ClientOptions to_client(const HttpTransportOptions& o) {
  net::ClientOptions c;
  c.tls.certificate_file = o.certificate.string();
  c.tls.key_file = o.key.string();
  c.tls.ca_file = o.ca_file.string();
  c.tls.crl_file = o.crl_file.string();
  c.proxy = o.proxy;
  c.no_proxy = o.no_proxy;
  c.resolve = o.resolve;
  c.stop = o.stop;
  c.user_agent = "ccmhttp";
  c.connect_timeout_s = kConnectTimeoutS;
  c.low_speed_s = kStallS;
  return c;
}

net::ClientOptions as_stranger(const HttpTransportOptions& o) {
  auto c = to_client(o);
  c.tls = {};
  c.user_agent = "farpoint-agent";
  return c;
}

}  // namespace

HttpTransport::HttpTransport(const HttpTransportOptions& options)
    : impl_(new Impl{net::Client(to_client(options)), net::Client(as_stranger(options))}) {}
HttpTransport::~HttpTransport() = default;

Result<Reply> HttpTransport::send(const Call& call) {
  net::ClientRequest request;
  request.method = call.method;
  request.url = call.url;
  request.headers = call.headers;
  request.body = call.body;
  request.send_body = call.method.ends_with("POST");
  FP_TRY(response, impl_->for_call(call).perform(request));
  if (response.body.size() > call.reply_bytes_max) {
    return fail(Code::too_large, "{}: the reply has more than {} bytes", call.url, call.reply_bytes_max);
  }
  return Reply{response.status, std::move(response.headers), std::move(response.body)};
}

Result<Reply> HttpTransport::fetch(const Call& call, std::int64_t offset, std::int64_t length, const Sink& sink) {
  net::RangeRequest request;
  request.url = call.url;
  request.headers = call.headers;
  request.range = {offset, offset + length - 1};
  FP_TRY(got, net::fetch_range(impl_->for_call(call), request, sink));
  if (got.received_bytes != length) {
    return fail(Code::unavailable, "{}: {} of {} bytes came", call.url, got.received_bytes, length);
  }
  Reply reply;
  reply.status = 206;
  return reply;
}

}  // namespace fp::agent

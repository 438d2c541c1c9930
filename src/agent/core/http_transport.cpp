#include "agent/core/http_transport.hpp"

#include <map>

#include "base/log.hpp"
#include "net/client.hpp"
#include "net/proxy_rules.hpp"

namespace fp::agent {

namespace {

// Uploads and policy wait for a worker pool that may be busy after an outage, but never for ever.
constexpr int kConnectTimeoutS = 15;
constexpr int kStallS = 25;

net::ClientOptions to_client(const HttpTransportOptions& o, const ProxyWay* way) {
  net::ClientOptions c;
  c.tls.certificate_file = o.certificate.string();
  c.tls.key_file = o.key.string();
  c.tls.ca_file = o.ca_file.string();
  c.tls.crl_file = o.crl_file.string();
  if (way != nullptr) {
    c.proxy = way->url;
    c.proxy_user = way->user;
    c.proxy_password = way->password;
  }
  c.resolve = o.resolve;
  c.stop = o.stop;
  c.user_agent = "ccmhttp";
  c.connect_timeout_s = kConnectTimeoutS;
  c.low_speed_s = kStallS;
  return c;
}

// "https://host:port" of an address, and the host alone.
std::string server_of(const std::string& url) {
  const auto scheme = url.find("://");
  return url.substr(0, url.find('/', scheme == std::string::npos ? 0 : scheme + 3));
}

std::string host_of(const std::string& url) {
  auto rest = server_of(url);
  if (const auto scheme = rest.find("://"); scheme != std::string::npos) rest.erase(0, scheme + 3);
  if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
  return rest.substr(0, rest.find(':'));
}

}  // namespace

struct HttpTransport::Impl {
  struct Way {
    ProxyWay proxy;
    std::unique_ptr<net::Client> client;  // made when it is needed
    std::string problem;                  // why it is not asked any more
    std::map<std::string, std::string> refused;  // servers that it does not let through, with what it said
  };
  HttpTransportOptions options;
  net::Client direct;
  std::vector<Way> ways;
  std::optional<WayTaken> told;
  bool proxy_failed = false;
  std::unique_ptr<Impl> stranger;  // made when it is needed: the same ways out, without our certificate, under the machine's authorities

  explicit Impl(const HttpTransportOptions& o) : options(o), direct(to_client(o, nullptr)) {
    for (const auto& p : o.outbound.proxies) ways.push_back({p, nullptr, {}, {}});
  }

  Impl& of(const Call& call) {
    if (!call.stranger) return *this;
    if (!stranger) {
      auto bare = options;
      for (Path* file : {&bare.certificate, &bare.key, &bare.ca_file, &bare.crl_file}) file->clear();
      stranger = std::make_unique<Impl>(bare);
    }
    return *stranger;
  }

  net::Client& client_of(Way& way) {
    if (!way.client) way.client = std::make_unique<net::Client>(to_client(options, &way.proxy));
    return *way.client;
  }

  void tell(const WayTaken& taken) {
    if (told == taken || !options.on_way) return;
    told = taken;
    options.on_way(taken);
  }

  // Runs one call by the ways out, one after another; the last is the direct one. `work` has touched nothing when a proxy
  // failed, so that it may be run again.
  template <class Answer>
  Result<Answer> through(const std::string& url, const std::function<Result<Answer>(net::Client&)>& work) {
    proxy_failed = false;
    if (ways.empty()) return work(direct);
    if (!options.outbound.on_intranet && options.intranet && options.intranet(url)) return work(direct);
    std::string problem;
    const auto server = server_of(url);
    bool may_go_directly = options.outbound.direct;
    for (auto& way : ways) {
      if (net::is_excepted(way.proxy.no_proxy, host_of(url))) {
        may_go_directly = true;
        break;
      }
      if (way.problem.empty() && !way.refused.contains(server)) {
        auto done = work(client_of(way));
        if (done || !client_of(way).proxy_failed()) {
          tell({way.proxy.url, way.proxy.source, problem});
          return done;
        }
        log::warning("outbound", "{} (from the {})", done.error().message, way.proxy.source);
        auto& why = done.error().message.find("refuses CONNECT") != std::string::npos ? way.refused[server] : way.problem;
        why = done.error().message;
      }
      note(problem, way, way.problem.empty() ? way.refused[server] : way.problem);
    }
    proxy_failed = !problem.empty();
    if (!may_go_directly) {
      tell({{}, {}, problem, true});
      return fail(Code::unavailable, "{}; PROXYONLY=1: {} is not tried without it", problem, server);
    }
    auto done = work(direct);
    if (done || problem.empty()) {
      tell({{}, {}, problem});
      proxy_failed = false;
      return done;
    }
    tell({{}, {}, problem, true});
    return fail(done.error().code, "{}; without it: {}", problem, done.error().message);
  }

  static void note(std::string& problem, const Way& way, const std::string& why) {
    problem += fmt::format("{}{} (from the {})", problem.empty() ? "" : "; ", why, way.proxy.source);
  }
};

HttpTransport::HttpTransport(const HttpTransportOptions& options) : impl_(new Impl(options)) {}
HttpTransport::~HttpTransport() = default;

bool HttpTransport::proxy_failed() const { return impl_->proxy_failed; }

Result<Reply> HttpTransport::send(const Call& call) {
  net::ClientRequest request;
  request.method = call.method;
  request.url = call.url;
  request.headers = call.headers;
  request.body = call.body;
  request.send_body = call.method.ends_with("POST");
  FP_TRY(response, impl_->of(call).through<net::ClientResponse>(call.url, [&](net::Client& client) { return client.perform(request); }));
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
  FP_TRY(got, impl_->of(call).through<net::RangeReply>(call.url, [&](net::Client& client) { return net::fetch_range(client, request, sink); }));
  if (got.received_bytes != length) {
    return fail(Code::unavailable, "{}: {} of {} bytes came", call.url, got.received_bytes, length);
  }
  Reply reply;
  reply.status = 206;
  return reply;
}

}  // namespace fp::agent

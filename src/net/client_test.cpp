#include "net/client.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "net/server.hpp"
#include "net/test_support.hpp"

namespace fp::net {
namespace {

using testing::test_pki;

const std::string& content() {
  static const std::string bytes = testing::pattern_bytes(300'000);
  return bytes;
}

// A small distribution point with faults to order.
Response serve(Request& request) {
  if (request.path == "/echo")
    return Response::text(200, "text/plain", fmt::format("{} {} {}", request.method, request.header("X-Test"), request.body));
  if (request.path == "/redirect") {
    auto response = Response::empty(302);
    response.set("Location", "/echo");
    return response;
  }
  if (request.path == "/peer") return Response::text(200, "text/plain", request.peer.fingerprint);
  if (request.path == "/missing") return Response::empty(404);
  Response response;
  response.set("ETag", request.path == "/changed" ? "\"two\"" : "\"one\"");
  std::int64_t first = 0, last = static_cast<std::int64_t>(content().size()) - 1;
  const auto range = request.path == "/ignores" ? std::string_view() : request.header("Range");
  if (!range.empty()) {
    const auto parts = split(range.substr(6), '-');
    first = *parse_int(parts[0]);
    if (!parts[1].empty()) last = std::min(last, *parse_int(parts[1]));
    response.status = 206;
    const auto shift = request.path == "/shifted" ? 1 : 0;
    response.set("Content-Range", fmt::format("bytes {}-{}/{}", first + shift, last + shift, content().size()));
  }
  if (request.path == "/gzip") response.set("Content-Encoding", "gzip");
  response.body.emplace_back(content().substr(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first + 1)));
  return response;
}

std::unique_ptr<Server> start(const std::string& chain = test_pki().server_chain, const std::string& key = test_pki().server_key) {
  ServerOptions options;
  options.listeners = {testing::tls_listener(), testing::plain_listener()};
  options.listeners[0].tls->certificate_file = chain;
  options.listeners[0].tls->key_file = key;
  options.handler = serve;
  options.body_limit = [](const Request&) { return std::size_t{1} << 20; };
  options.io_threads = 1;
  options.worker_threads = 2;
  auto server = Server::start(std::move(options));
  EXPECT_TRUE(server.has_value()) << (server ? "" : server.error().message);
  return server ? std::move(*server) : nullptr;
}

ClientOptions trusting(const std::string& ca_file = test_pki().ca_file) {
  ClientOptions options;
  options.tls.ca_file = ca_file;
  return options;
}

std::string https(const Server& server, std::string_view path, std::string_view host = "localhost") {
  return fmt::format("https://{}:{}{}", host, server.port(0), path);
}

// The sentence of the error with which a request over TLS ends.
std::string tls_error(const Server& server, ClientOptions options, std::string_view host = "localhost") {
  Client client(std::move(options));
  const auto got = client.get(https(server, "/echo", host));
  EXPECT_FALSE(got.has_value());
  if (got) return {};
  EXPECT_EQ(got.error().code, Code::unauthenticated);
  return got.error().message;
}

TEST(Client, AnyMethodGoesOutAndConnectionsAreReused) {
  auto server = start();
  Client client(trusting());
  ClientRequest request;
  request.method = "CCM_POST";
  request.url = https(*server, "/echo");
  request.headers = {{"X-Test", "yes"}};
  request.body = "hello";
  const auto first = client.perform(request);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->body, "CCM_POST yes hello");
  EXPECT_EQ(first->effective_ip, "127.0.0.1");
  EXPECT_FALSE(first->connection_reused);
  const auto second = client.perform(request);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->connection_reused);
  EXPECT_EQ(server->counters().connections.load(), 1U);
  client.drop_connections();
  EXPECT_TRUE(client.perform(request).has_value());
  EXPECT_EQ(server->counters().connections.load(), 2U);
}

TEST(Client, AStreamedUploadIsSentWithLengthOrInChunks) {
  auto server = start();
  Client client(trusting());
  for (const bool sized : {true, false}) {
    std::string left = "streamed body";
    ClientRequest request;
    request.method = "BITS_POST";
    request.url = https(*server, "/echo");
    request.upload = [&](char* into, std::size_t room) {
      const auto step = std::min<std::size_t>({room, left.size(), 5});
      left.copy(into, step);
      left.erase(0, step);
      return step;
    };
    request.upload_bytes = sized ? 13 : -1;
    const auto got = client.perform(request);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "BITS_POST  streamed body");
  }
}

TEST(Client, HeadAndRedirectsAreReportedAsTheyAre) {
  auto server = start();
  Client client(trusting());
  ClientRequest request;
  request.method = "HEAD";
  request.url = https(*server, "/file");
  const auto head = client.perform(request);
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->header("content-length"), "300000");
  EXPECT_EQ(head->body, "");
  const auto redirect = client.get(https(*server, "/redirect"));
  ASSERT_TRUE(redirect);
  EXPECT_EQ(redirect->status, 302);
}

TEST(Client, TheClientCertificateIsShown) {
  auto server = start();
  auto options = trusting();
  options.tls.certificate_file = test_pki().client_chain;
  options.tls.key_file = test_pki().client_key;
  Client client(std::move(options));
  EXPECT_EQ(client.get(https(*server, "/peer"))->body, test_pki().client_fingerprint);
}

TEST(Client, ABodyOverTheLimitIsRefused) {
  auto server = start();
  auto options = trusting();
  options.body_bytes_max = 1000;
  Client client(std::move(options));
  EXPECT_EQ(client.get(https(*server, "/file")).error().code, Code::too_large);
}

TEST(ClientErrors, NameTheFailingCheckOfTls) {
  auto server = start();
  EXPECT_NE(tls_error(*server, trusting(test_pki().stranger_ca_file)).find("untrusted"), std::string::npos);
  auto revoked = trusting();
  revoked.tls.crl_file = test_pki().crl_revoked_file;
  EXPECT_NE(tls_error(*server, revoked).find("revoked"), std::string::npos);
  auto named = trusting();
  named.resolve = fmt::format("other.example:{}:127.0.0.1", server->port(0));
  EXPECT_NE(tls_error(*server, named, "other.example").find("name mismatch"), std::string::npos);
  auto expired = start(test_pki().expired_chain, test_pki().expired_key);
  EXPECT_NE(tls_error(*expired, trusting()).find("expired"), std::string::npos);
  Client client(trusting());
  const auto plain = client.get(fmt::format("https://localhost:{}/", server->port(1)));
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, Code::unauthenticated);
  EXPECT_NE(plain.error().message.find("does not speak TLS"), std::string::npos) << plain.error().message;
}

TEST(ClientErrors, ACleanCrlIsAccepted) {
  auto server = start();
  auto options = trusting();
  options.tls.crl_file = test_pki().crl_file;
  Client client(std::move(options));
  const auto got = client.get(https(*server, "/echo"));
  EXPECT_TRUE(got.has_value()) << got.error().message;
}

TEST(ClientErrors, APinAcceptsOnlyItsCertificate) {
  auto server = start();
  ClientOptions pinned;
  pinned.tls.pinned_fingerprint = upper(test_pki().server_fingerprint);
  Client client(pinned);
  const auto good = client.get(https(*server, "/echo", "127.0.0.1"));
  EXPECT_TRUE(good.has_value()) << good.error().message;
  pinned.tls.pinned_fingerprint = test_pki().client_fingerprint;
  EXPECT_NE(tls_error(*server, pinned).find("pinned"), std::string::npos);
  auto both = trusting(test_pki().stranger_ca_file);
  both.tls.pinned_fingerprint = test_pki().server_fingerprint;
  EXPECT_NE(tls_error(*server, both).find("untrusted"), std::string::npos);
}

TEST(ClientErrors, NameWhatFailedBelowTls) {
  std::uint16_t closed_port = 0;
  {
    auto server = start();
    closed_port = server->port(1);
  }
  Client client(ClientOptions{});
  const auto refused = client.get(fmt::format("http://127.0.0.1:{}/", closed_port));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_NE(refused.error().message.find("refused the connection"), std::string::npos) << refused.error().message;
  const auto unknown = client.get("http://no-such-host.invalid/");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("DNS"), std::string::npos);
  EXPECT_EQ(client.get("ftp://127.0.0.1/").error().code, Code::invalid);
  auto missing = trusting("/nonexistent/ca.pem");
  EXPECT_EQ(Client(missing).get("https://127.0.0.1:1/").error().code, Code::invalid);
}

struct Fetched {
  Result<RangeReply> reply;
  std::string bytes;
};

Fetched fetch(const Server& server, std::string_view path, ByteRange range, const std::string& etag = {},
              std::int64_t total = -1) {
  Client client(trusting());
  Fetched fetched{RangeReply{}, {}};
  RangeRequest request;
  request.url = https(server, path);
  request.range = range;
  request.etag = etag;
  request.total_bytes = total;
  fetched.reply = fetch_range(client, request, [&](std::string_view bytes) {
    fetched.bytes += bytes;
    return true;
  });
  return fetched;
}

TEST(FetchRange, BringsExactlyTheBytesAskedFor) {
  auto server = start();
  const auto middle = fetch(*server, "/file", {1000, 250'000}, "\"one\"", 300'000);
  ASSERT_TRUE(middle.reply) << middle.reply.error().message;
  EXPECT_TRUE(middle.bytes == content().substr(1000, 249'001));
  EXPECT_EQ(middle.reply->total_bytes, 300'000);
  EXPECT_EQ(middle.reply->etag, "\"one\"");
  EXPECT_TRUE(fetch(*server, "/file", {299'999, -1}).bytes == content().substr(299'999));
  EXPECT_TRUE(fetch(*server, "/file", {}).bytes == content());
}

TEST(FetchRange, AnIgnoredRangeIsGoodOnlyFromTheBeginning) {
  auto server = start();
  const auto begin = fetch(*server, "/ignores", {0, 999});
  ASSERT_TRUE(begin.reply) << begin.reply.error().message;
  EXPECT_TRUE(begin.bytes == content().substr(0, 1000));
  const auto later = fetch(*server, "/ignores", {1000, 1999});
  ASSERT_FALSE(later.reply);
  EXPECT_EQ(later.reply.error().code, Code::conflict);
  EXPECT_EQ(later.bytes, "");
}

TEST(FetchRange, NothingReachesTheSinkWhenTheAnswerIsNotWhatWasAskedFor) {
  auto server = start();
  const std::vector<std::pair<std::string_view, Code>> cases = {
      {"/changed", Code::conflict}, {"/shifted", Code::corrupt}, {"/gzip", Code::corrupt}, {"/missing", Code::not_found}};
  for (const auto& [path, code] : cases) {
    const auto got = fetch(*server, path, {1000, 1999}, "\"one\"", 300'000);
    ASSERT_FALSE(got.reply) << path;
    EXPECT_EQ(got.reply.error().code, code) << path << " " << got.reply.error().message;
    EXPECT_EQ(got.bytes, "") << path;
  }
  EXPECT_EQ(fetch(*server, "/file", {0, 9}, "\"one\"", 5).reply.error().code, Code::conflict);
}

// A server that takes the connection and says nothing, as one does that a cut line leads to.
TEST(Client, ACallThatNobodyAnswersEndsWhenItsCallerHasToStop) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  ClientOptions options;
  int asked = 0;
  options.stop = [&] { return ++asked > 3; };
  Client client(options);
  const auto answer = client.get(fmt::format("http://127.0.0.1:{}/", ntohs(address.sin_port)));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::io);
  EXPECT_NE(answer.error().message.find("has to stop"), std::string::npos) << answer.error().message;
}

}  // namespace
}  // namespace fp::net

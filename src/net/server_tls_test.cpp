#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <mutex>

#include "base/text.hpp"
#include "net/server.hpp"
#include "net/test_support.hpp"

namespace fp::net {
namespace {

using testing::get_request;
using testing::RawClient;
using testing::test_pki;

Response who(Request& request) {
  return Response::text(200, "text/plain",
                        fmt::format("{} {} {}", request.peer.fingerprint.empty() ? "nobody" : request.peer.fingerprint,
                                    to_string(request.peer.check.problem), request.peer.pinned_proxy ? "proxy" : "-"));
}

// A verifier that a test can look into and turn.
struct Checks {
  std::mutex mutex;
  int count = 0;
  std::string leaf;
  std::vector<std::string> chain;
  CertificateVerdict verdict{{CertificateProblem::none, ""}, false};

  CertificateVerdict operator()(std::string_view leaf_der, const std::vector<std::string>& chain_der) {
    std::lock_guard lock(mutex);
    ++count;
    leaf = leaf_der;
    chain = chain_der;
    return verdict;
  }
  void set(CertificateProblem problem) {
    std::lock_guard lock(mutex);
    verdict.check = {problem, "by the test"};
  }
  int counted() {
    std::lock_guard lock(mutex);
    return count;
  }
};

ServerOptions options_for(Checks& checks) {
  ServerOptions options;
  options.listeners = {testing::tls_listener(), testing::plain_listener()};
  options.handler = who;
  options.verifier = [&checks](std::string_view leaf, const std::vector<std::string>& chain) { return checks(leaf, chain); };
  options.io_threads = 2;
  options.worker_threads = 2;
  return options;
}

std::unique_ptr<Server> start(ServerOptions options) {
  auto server = Server::start(std::move(options));
  EXPECT_TRUE(server.has_value()) << (server ? "" : server.error().message);
  return server ? std::move(*server) : nullptr;
}

TEST(Tls, AClientCertificateIsRecordedAndGivenToTheVerifierWithItsChain) {
  Checks checks;
  auto server = start(options_for(checks));
  RawClient client(server->port(), RawClient::Tls{true, nullptr});
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.ask(get_request("/")).body, test_pki().client_fingerprint + " ok -");
  EXPECT_EQ(client.ask(get_request("/")).body, test_pki().client_fingerprint + " ok -");
  EXPECT_EQ(checks.counted(), 1);
  EXPECT_EQ(checks.leaf, test_pki().client_der);
  EXPECT_EQ(checks.chain, std::vector<std::string>{test_pki().issuing_der});
}

TEST(Tls, WithoutAClientCertificateTheHandshakeHoldsAndTheAbsenceIsRecorded) {
  Checks checks;
  auto server = start(options_for(checks));
  RawClient client(server->port(), RawClient::Tls{});
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.ask(get_request("/")).body, "nobody no certificate -");
  EXPECT_EQ(checks.counted(), 0);
}

TEST(Tls, AnUnwantedCertificateNeverBreaksTheHandshake) {
  Checks checks;
  checks.set(CertificateProblem::revoked);
  auto server = start(options_for(checks));
  RawClient client(server->port(), RawClient::Tls{true, nullptr});
  EXPECT_EQ(client.ask(get_request("/")).body, test_pki().client_fingerprint + " revoked -");
}

TEST(Tls, AResumedSessionIsVerifiedAgainWithTheSameLeafAndChain) {
  Checks checks;
  auto server = start(options_for(checks));
  std::shared_ptr<SSL_SESSION> session;
  {
    RawClient first(server->port(), RawClient::Tls{true, nullptr});
    EXPECT_EQ(first.ask(get_request("/")).status, 200);
    session = first.session();
  }
  checks.set(CertificateProblem::blocked);
  checks.chain.clear();
  std::shared_ptr<SSL_SESSION> again;
  {
    RawClient second(server->port(), RawClient::Tls{true, session.get()});
    ASSERT_TRUE(second.connected());
    EXPECT_TRUE(second.resumed());
    EXPECT_EQ(second.ask(get_request("/")).body, test_pki().client_fingerprint + " blocked by an administrator -");
    again = second.session();
  }
  EXPECT_EQ(checks.counted(), 2);
  EXPECT_EQ(checks.leaf, test_pki().client_der);
  EXPECT_EQ(checks.chain, std::vector<std::string>{test_pki().issuing_der});
  RawClient third(server->port(), RawClient::Tls{true, again.get()});
  EXPECT_EQ(third.ask(get_request("/")).status, 200);
  EXPECT_TRUE(third.resumed());
  EXPECT_EQ(checks.chain, std::vector<std::string>{test_pki().issuing_der});
  while (server->counters().handshakes_resumed.load() != 2) std::this_thread::yield();
}

TEST(Tls, AnOpenConnectionIsCheckedAgainWhenTold) {
  Checks checks;
  auto server = start(options_for(checks));
  RawClient client(server->port(), RawClient::Tls{true, nullptr});
  EXPECT_NE(client.ask(get_request("/")).body.find(" ok"), std::string::npos);
  checks.set(CertificateProblem::blocked);
  EXPECT_NE(client.ask(get_request("/")).body.find(" ok"), std::string::npos);
  server->recheck_peers();
  EXPECT_NE(client.ask(get_request("/")).body.find("blocked"), std::string::npos);
}

TEST(Tls, AnOpenConnectionIsCheckedAgainAfterTheInterval) {
  Checks checks;
  ManualClock clock;
  auto options = options_for(checks);
  options.clock = &clock;
  options.recheck_interval_s = 60;
  auto server = start(std::move(options));
  RawClient client(server->port(), RawClient::Tls{true, nullptr});
  EXPECT_EQ(client.ask(get_request("/")).status, 200);
  clock.advance_s(61);
  EXPECT_EQ(client.ask(get_request("/")).status, 200);
  EXPECT_EQ(checks.counted(), 2);
}

TEST(Tls, FileBodiesComeExact) {
  Checks checks;
  TestFolder dir;
  const auto bytes = testing::pattern_bytes((6U << 20) + 99);
  const auto file = testing::open_file(dir.put("large", bytes));
  auto options = options_for(checks);
  options.handler = [&](Request& request) {
    Response response;
    const auto parts = split(request.query, '-');
    response.body.emplace_back(FileSlice{file, parse_int(parts[0]).value_or(0), parse_int(parts[1]).value_or(0)});
    response.body.emplace_back(std::string(100'000, 'm'));
    return response;
  };
  auto server = start(std::move(options));
  RawClient client(server->port(), RawClient::Tls{});
  for (const auto& [first, length] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, bytes.size()}, {1, 1}, {8191, 70000}, {12345, 4096}, {3, (4U << 20) + 5}}) {
    const auto got = client.ask(get_request(fmt::format("/f?{}-{}", first, length)));
    EXPECT_TRUE(got.body == bytes.substr(first, length) + std::string(100'000, 'm')) << first << " " << length;
  }
}

TEST(Tls, AReaderThatComesLateGetsEveryByteOfFileAndMemory) {
  Checks checks;
  TestFolder dir;
  const auto bytes = testing::pattern_bytes((24U << 20) + 7);  // more than the sockets between them hold
  const auto file = testing::open_file(dir.put("large", bytes));
  auto options = options_for(checks);
  options.handler = [&](Request&) {
    Response response;
    response.body.emplace_back(std::string(bytes));
    response.body.emplace_back(FileSlice{file, 5, static_cast<std::int64_t>(bytes.size()) - 5});
    return response;
  };
  auto server = start(std::move(options));
  RawClient late(server->port(), RawClient::Tls{}), other(server->port(), RawClient::Tls{});
  late.send(get_request("/"));
  // All of it has come to this one, so the server has long met the other's full socket.
  EXPECT_TRUE(other.ask(get_request("/")).body == bytes + bytes.substr(5));
  EXPECT_TRUE(late.read().body == bytes + bytes.substr(5));
}

TEST(Tls, PlainHttpOnTheTlsPortIsToldSo) {
  Checks checks;
  auto server = start(options_for(checks));
  RawClient client(server->port(0));
  const auto got = client.ask(get_request("/"));
  EXPECT_EQ(got.status, 400);
  EXPECT_NE(got.body.find("HTTPS listener"), std::string::npos);
}

TEST(Tls, TlsOnThePlainPortIsToldSo) {
  Checks checks;
  auto server = start(options_for(checks));
  RawClient client(server->port(1));
  const auto got = client.ask(std::string_view("\x16\x03\x01\x00\x05hello", 10));
  EXPECT_EQ(got.status, 400);
  EXPECT_NE(got.body.find("without TLS"), std::string::npos);
}

TEST(Tls, ReloadingKeepsTheOldCertificateWhenTheNewOneIsBroken) {
  Checks checks;
  TestFolder dir;
  auto options = options_for(checks);
  const auto chain = read_file(test_pki().server_chain).value_or("");
  options.listeners[0].tls->certificate_file = dir.put("chain.pem", chain);
  auto server = start(std::move(options));
  (void)dir.put("chain.pem", "rubbish");
  EXPECT_FALSE(server->reload_tls());
  EXPECT_EQ(RawClient(server->port(), RawClient::Tls{}).ask(get_request("/")).status, 200);
  (void)dir.put("chain.pem", chain);
  EXPECT_TRUE(server->reload_tls());
  EXPECT_EQ(RawClient(server->port(), RawClient::Tls{}).ask(get_request("/")).status, 200);
}

TEST(Tls, AHandshakeThatStallsIsCutOff) {
  Checks checks;
  ManualClock clock;
  auto options = options_for(checks);
  options.clock = &clock;
  auto server = start(std::move(options));
  RawClient client(server->port(0));
  client.send(std::string_view("\x16\x03\x01", 3));
  while (server->counters().connections_open.load() == 0) std::this_thread::yield();
  // Open is not yet timed: so the clock goes on until the connection is gone.
  while (server->counters().connections_open.load() != 0) {
    clock.advance_s(21);
    std::this_thread::yield();
  }
  EXPECT_TRUE(client.at_end());
}

TEST(Tls, ManyConnectionsAtOnceAreAllServed) {
  Checks checks;
  auto server = start(options_for(checks));
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        RawClient client(server->port(), RawClient::Tls{true, nullptr});
        for (int i = 0; i < 50; ++i) good += client.ask(get_request("/")).status == 200 ? 1 : 0;
      });
  }
  EXPECT_EQ(good.load(), 400);
}

}  // namespace
}  // namespace fp::net

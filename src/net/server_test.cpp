#include "net/server.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "net/test_support.hpp"

namespace fp::net {
namespace {

using testing::eventually;
using testing::get_request;
using testing::RawClient;

// Says what it was asked.
Response echo(Request& request) {
  return Response::text(200, "text/plain", fmt::format("{} {} [{}] {}", request.method, request.path, request.query, request.body));
}

ServerOptions options_for(Handler handler) {
  ServerOptions options;
  options.listeners = {testing::plain_listener()};
  options.handler = std::move(handler);
  options.body_limit = [](const Request&) { return std::size_t{1000}; };
  options.io_threads = 2;
  options.worker_threads = 2;
  return options;
}

std::unique_ptr<Server> start(ServerOptions options) {
  auto server = Server::start(std::move(options));
  EXPECT_TRUE(server.has_value()) << (server ? "" : server.error().message);
  return server ? std::move(*server) : nullptr;
}

// A door that a test opens.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void await_arrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

TEST(Server, AnExtensionVerbReachesTheRoleWithItsBody) {
  auto server = start(options_for(echo));
  RawClient client(server->port());
  const auto got = client.ask("CCM_POST /ccm_system/request?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "CCM_POST /ccm_system/request [a=b] hello");
  EXPECT_EQ(got.header("Server"), "Farpoint");
  EXPECT_FALSE(got.header("Date").empty());
}

TEST(Server, OneConnectionServesManyRequestsA401Included) {
  auto server = start(options_for([](Request& request) {
    if (request.path == "/locked") return Response::text(401, "text/plain", "who?");
    return echo(request);
  }));
  RawClient client(server->port());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.ask(get_request(i % 2 ? "/locked" : "/open")).status, i % 2 ? 401 : 200);
  EXPECT_EQ(server->counters().connections.load(), 1U);
  EXPECT_TRUE(eventually([&] { return server->counters().by_class[2].load() == 10; }));
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  auto server = start(options_for(echo));
  RawClient client(server->port());
  client.send(get_request("/1") + "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\r\n" + get_request("/3"));
  EXPECT_EQ(client.read().body, "GET /1 [] ");
  EXPECT_EQ(client.read().body, "POST /2 [] abc");
  EXPECT_EQ(client.read().body, "GET /3 [] ");
}

TEST(Server, ConnectionCloseIsHonouredBothWays) {
  auto server = start(options_for([](Request& request) {
    auto response = echo(request);
    response.close = request.path == "/close";
    return response;
  }));
  RawClient asks(server->port());
  EXPECT_EQ(asks.ask(get_request("/", "Connection: close\r\n")).header("Connection"), "close");
  EXPECT_TRUE(asks.at_end());
  RawClient told(server->port());
  EXPECT_EQ(told.ask(get_request("/close")).header("Connection"), "close");
  EXPECT_TRUE(told.at_end());
  RawClient old(server->port());
  EXPECT_EQ(old.ask("GET / HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_TRUE(old.at_end());
}

TEST(Server, HeadSaysTheLengthAndSendsNoBody) {
  auto server = start(options_for([](Request& request) {
    auto response = echo(request);
    if (request.path == "/large") response.head_length = 5'000'000'000;
    return response;
  }));
  RawClient client(server->port());
  client.send("HEAD /large HTTP/1.1\r\nHost: h\r\n\r\nHEAD /small HTTP/1.1\r\nHost: h\r\n\r\n" + get_request("/end"));
  EXPECT_EQ(client.read(true).header("Content-Length"), "5000000000");
  EXPECT_EQ(client.read(true).header("Content-Length"), "15");
  EXPECT_EQ(client.read().body, "GET /end [] ");
}

TEST(Server, NoContentAndNotModifiedHaveNoBody) {
  auto server = start(options_for([](Request& request) {
    if (request.path == "/end") return echo(request);
    auto response = Response::text(request.path == "/204" ? 204 : 304, "text/plain", "must not be sent");
    return response;
  }));
  RawClient client(server->port());
  client.send(get_request("/204") + get_request("/304") + get_request("/end"));
  const auto first = client.read();
  EXPECT_EQ(first.status, 204);
  EXPECT_EQ(first.header("Content-Length"), "");
  EXPECT_EQ(client.read().status, 304);
  EXPECT_EQ(client.read().body, "GET /end [] ");
}

TEST(Server, ABodyOverTheLimitIs413AndTheConnectionEnds) {
  auto server = start(options_for(echo));
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + std::string(200000, 'x'));
  EXPECT_EQ(client.read().status, 413);
  EXPECT_TRUE(client.at_end());
  RawClient chunked(server->port());
  chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + std::string(1024, 'x') + "\r\n");
  EXPECT_EQ(chunked.read().status, 413);
  EXPECT_TRUE(chunked.at_end());
}

TEST(Server, WithoutABodyLimitNoBodyIsTaken) {
  auto options = options_for(echo);
  options.body_limit = nullptr;
  auto server = start(std::move(options));
  RawClient client(server->port());
  EXPECT_EQ(client.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").status, 200);
  EXPECT_EQ(client.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx").status, 413);
}

TEST(Server, OversizedHeadsAndMalformedOnesAreAnsweredAndClosed) {
  std::atomic<int> asked{0};
  auto server = start(options_for([&](Request& request) { ++asked; return echo(request); }));
  const std::vector<std::pair<std::string, int>> cases = {
      {get_request("/", "X: " + std::string(limits::kHeaderBytesMax, 'a') + "\r\n"), 431},
      {get_request("/" + std::string(limits::kTargetBytesMax, 'a')), 414},
      {get_request("/%zz"), 400},
      {get_request("/", "X : y\r\n"), 400},
      {"GET / HTTP/1.1\nHost: h\n\n", 400},
      {get_request("/", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n", 400},
      {get_request("/", "Content-Length: 3\r\nContent-Length: 30\r\n") + "abc" + get_request("/smuggled"), 400},
      {"GET / HTTP/1.1\r\n\r\n", 400}};
  for (const auto& [bytes, status] : cases) {
    RawClient client(server->port());
    const auto got = client.ask(bytes);
    EXPECT_EQ(got.status, status) << bytes.substr(0, 60);
    EXPECT_EQ(got.header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
  }
  EXPECT_EQ(asked.load(), 0);
  EXPECT_EQ(server->counters().rejected_malformed.load(), cases.size());
}

TEST(Server, AClientThatExpects100ContinueIsToldToGoOn) {
  auto server = start(options_for(echo));
  RawClient client(server->port());
  const std::string head = "BITS_POST /u HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: ";
  EXPECT_EQ(client.ask(head + "4\r\n\r\n").status, 100);
  EXPECT_EQ(client.ask("body").body, "BITS_POST /u [] body");
  EXPECT_EQ(client.ask(head + "4000\r\n\r\n").status, 413);
}

TEST(Server, AChunkedBodyIsPutTogether) {
  auto server = start(options_for(echo));
  RawClient client(server->port());
  client.send("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  client.send("lo\r\n6\r\n world\r\n0\r\n\r\n" + get_request("/next"));
  EXPECT_EQ(client.read().body, "POST /c [] hello world");
  EXPECT_EQ(client.read().body, "GET /next [] ");
}

TEST(Server, AnExceptionOfARoleIs500AndTheConnectionGoesOn) {
  auto server = start(options_for([](Request& request) -> Response {
    if (request.path == "/bad") throw std::runtime_error("broken");
    return echo(request);
  }));
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get_request("/bad")).status, 500);
  EXPECT_EQ(client.ask(get_request("/good")).status, 200);
}

TEST(Server, TheAnswerWaitsForTheTicketAndAFailedOneIs503) {
  const auto durable = Ticket::pending(), lost = Ticket::pending();
  auto server = start(options_for([&](Request& request) {
    auto response = echo(request);
    if (request.path == "/durable") response.ticket = durable;
    if (request.path == "/lost") response.ticket = lost;
    return response;
  }));
  RawClient first(server->port()), second(server->port()), third(server->port());
  first.send(get_request("/durable"));
  second.send(get_request("/lost"));
  // More waiting answers than workers, and the pool still serves: a ticket holds no thread.
  EXPECT_EQ(third.ask(get_request("/other")).status, 200);
  EXPECT_TRUE(eventually([&] { return server->counters().requests.load() == 3; }));
  EXPECT_TRUE(eventually([&] { return server->counters().by_class[2].load() == 1; }));
  auto settled_late = durable;
  settled_late.settle({});
  EXPECT_EQ(first.read().body, "GET /durable [] ");
  auto failed = lost;
  failed.settle(fail(Code::io, "disk full"));
  const auto got = second.read();
  EXPECT_EQ(got.status, 503);
  EXPECT_FALSE(got.header("Retry-After").empty());
}

TEST(Server, AFullQueueIs503WithARetryWindow) {
  Gate gate;
  auto options = options_for([&](Request& request) { gate.pass(); return echo(request); });
  options.worker_threads = 1;
  options.worker_queue_max = 1;
  options.retry_after_s_min = 7;
  options.retry_after_s_max = 9;
  auto server = start(std::move(options));
  RawClient running(server->port()), queued(server->port()), refused(server->port());
  running.send(get_request("/1"));
  gate.await_arrivals(1);
  queued.send(get_request("/2"));
  EXPECT_TRUE(eventually([&] { return server->counters().requests.load() == 2; }));
  testing::RawResponse got;
  EXPECT_TRUE(eventually([&] { got = refused.ask(get_request("/3")); return got.status == 503; }));
  const auto wait_s = parse_int(got.header("Retry-After")).value_or(0);
  EXPECT_GE(wait_s, 7);
  EXPECT_LE(wait_s, 9);
  gate.open();
  EXPECT_EQ(running.read().status, 200);
  EXPECT_EQ(queued.read().status, 200);
}

TEST(Server, RequestsThatBlockGetEveryWorkerThereIs) {
  Gate gate;
  auto options = options_for([&](Request& request) { gate.pass(); return echo(request); });
  options.worker_threads = 4;
  auto server = start(std::move(options));
  std::deque<RawClient> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(server->port()).send(get_request("/"));
  gate.await_arrivals(4);
  gate.open();
  for (auto& client : clients) EXPECT_EQ(client.read().status, 200);
}

TEST(Server, AHeaderValueOfARoleCannotBeginAnotherHeader) {
  auto server = start(options_for([](Request&) {
    auto response = Response::text(200, "text/plain", "x");
    response.set("X-Evil", "a\r\nSet-Cookie: b").set("Content-Length", "99").set("X-Good", "c");
    return response;
  }));
  RawClient client(server->port());
  const auto got = client.ask(get_request("/"));
  EXPECT_EQ(got.header("Set-Cookie"), "");
  EXPECT_EQ(got.header("X-Good"), "c");
  EXPECT_EQ(got.body, "x");
}

TEST(Server, FileBodiesAndMixedSegmentsComeExact) {
  TestFolder dir;
  const auto bytes = testing::pattern_bytes((9U << 20) + 4321);
  const auto file = testing::open_file(dir.put("large", bytes));
  auto server = start(options_for([&](Request& request) {
    Response response;
    const auto parts = split(request.query, '-');
    const auto first = parse_int(parts[0]).value_or(0), length = parse_int(parts[1]).value_or(0);
    response.body.emplace_back("<");
    response.body.emplace_back(FileSlice{file, first, length});
    response.body.emplace_back(">");
    return response;
  }));
  RawClient client(server->port());
  for (const auto& [first, length] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, bytes.size()}, {1, 1}, {4095, 2}, {12345, 65536}, {777, 4U << 20}, {(4U << 20) - 1, (5U << 20) + 17}, {5, 0}}) {
    const auto got = client.ask(get_request(fmt::format("/f?{}-{}", first, length)));
    EXPECT_EQ(got.status, 200);
    EXPECT_TRUE(got.body == "<" + bytes.substr(first, length) + ">") << first << " " << length;
  }
}

TEST(Server, AFileThatShrankEndsTheConnectionNotTheServer) {
  TestFolder dir;
  const auto name = dir.put("short", testing::pattern_bytes(5U << 20));
  const auto file = testing::open_file(name);
  auto server = start(options_for([&](Request& request) {
    Response response;
    if (request.path == "/file") response.body.emplace_back(FileSlice{file, 0, 50 << 20});
    return response;
  }));
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get_request("/file")).status, 0);
  RawClient again(server->port());
  EXPECT_EQ(again.ask(get_request("/")).status, 200);
}

TEST(Server, ASlowHeaderIsCutOffAndAnIdleConnectionToo) {
  ManualClock clock;
  auto options = options_for(echo);
  options.clock = &clock;
  options.header_timeout_s = 20;
  options.idle_timeout_s = 120;
  options.body_timeout_s = 30;
  auto server = start(std::move(options));
  RawClient slow(server->port()), idle(server->port()), body(server->port());
  EXPECT_EQ(idle.ask(get_request("/")).status, 200);
  const std::string part = "GET / HTTP/1.1\r\nHo", head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n";
  slow.send(part);
  EXPECT_EQ(body.ask(head).status, 100);
  const auto sent = get_request("/").size() + part.size() + head.size();
  EXPECT_TRUE(eventually([&] { return server->counters().bytes_in.load() >= sent && server->counters().connections.load() == 3; }));
  clock.advance_s(21);
  EXPECT_TRUE(slow.at_end());
  EXPECT_TRUE(eventually([&] { return server->counters().timeouts.load() == 1; }));
  clock.advance_s(10);
  EXPECT_TRUE(body.at_end());
  EXPECT_TRUE(eventually([&] { return server->counters().timeouts.load() == 2; }));
  EXPECT_EQ(idle.ask(get_request("/")).status, 200);
  // The answer may be here before the server began to count: so the clock goes on until it has.
  EXPECT_TRUE(eventually([&] {
    clock.advance_s(121);
    return server->counters().connections_open.load() == 0;
  }));
  EXPECT_TRUE(idle.at_end());
}

TEST(Server, StoppingLetsARunningRequestFinish) {
  Gate gate;
  auto server = start(options_for([&](Request& request) {
    if (request.path == "/slow") gate.pass();
    return echo(request);
  }));
  RawClient busy(server->port()), idle(server->port());
  EXPECT_EQ(idle.ask(get_request("/")).status, 200);
  busy.send(get_request("/slow"));
  gate.await_arrivals(1);
  std::jthread stopper([&] { server->stop(); });
  EXPECT_TRUE(idle.at_end());
  gate.open();
  const auto got = busy.read();
  EXPECT_EQ(got.body, "GET /slow [] ");
  EXPECT_EQ(got.header("Connection"), "close");
  stopper.join();
  EXPECT_EQ(server->counters().connections_open.load(), 0U);
}

TEST(Server, StoppingDoesNotWaitForeverForATicket) {
  const auto never = Ticket::pending();
  auto options = options_for([&](Request& request) {
    auto response = echo(request);
    response.ticket = never;
    return response;
  });
  options.stop_grace_s = 0;
  auto server = start(std::move(options));
  RawClient client(server->port());
  client.send(get_request("/"));
  EXPECT_TRUE(eventually([&] { return server->counters().requests.load() == 1; }));
  server->stop();
  EXPECT_TRUE(client.at_end());
  auto late = never;
  late.settle({});  // nobody waits for the answer any more
  server.reset();
}

TEST(Server, TheQuickHandlerAnswersWhatItCanAndLeavesTheRest) {
  auto options = options_for(echo);
  options.quick = [](Request& request) -> std::optional<Response> {
    if (request.path != "/quick") return std::nullopt;
    return Response::text(200, "text/plain", "quick");
  };
  auto server = start(std::move(options));
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get_request("/quick")).body, "quick");
  EXPECT_EQ(client.ask(get_request("/slow")).body, "GET /slow [] ");
}

TEST(Server, WhatTheHeadEditorMakesOfATargetDecidesEverythingAfterIt) {
  auto options = options_for(echo);
  options.on_head = [](Request& head) {
    if (head.path == "/before/x") head.path = "/after/x";
  };
  options.body_limit = [](const Request& head) { return head.path == "/after/x" ? std::size_t{5} : std::size_t{0}; };
  auto server = start(std::move(options));
  RawClient client(server->port());
  EXPECT_EQ(client.ask("POST /before/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello").body, "POST /after/x [] hello");
  EXPECT_EQ(client.ask("POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello").status, 413);
}

TEST(Server, TheProxyLineNamesTheClientWhereItIsConfigured) {
  auto options = options_for([](Request& request) {
    return Response::text(200, "text/plain", fmt::format("{} {}", request.peer.address, request.peer.port));
  });
  options.listeners[0].proxy_protocol = true;
  options.listeners.push_back(testing::plain_listener());
  auto server = start(std::move(options));
  RawClient tunnelled(server->port(0));
  EXPECT_EQ(tunnelled.ask("PROXY TCP4 192.0.2.7 127.0.0.1 51000 80\r\n" + get_request("/")).body, "192.0.2.7 51000");
  RawClient direct(server->port(0));
  EXPECT_EQ(direct.ask(get_request("/")).status, 0);
  RawClient liar(server->port(1));
  EXPECT_EQ(liar.ask("PROXY TCP4 192.0.2.7 127.0.0.1 51000 80\r\n" + get_request("/")).status, 400);
}

TEST(Server, WrongSettingsAreNamed) {
  auto reason = [](ServerOptions options) {
    auto server = Server::start(std::move(options));
    return server ? std::string() : server.error().message;
  };
  auto no_tls = options_for(echo);
  no_tls.listeners[0].door = Door::internet_https;
  EXPECT_NE(reason(no_tls), "");
  auto bad_address = options_for(echo);
  bad_address.listeners[0].address = "nowhere";
  EXPECT_NE(reason(bad_address).find("nowhere"), std::string::npos);
  auto server = start(options_for(echo));
  auto taken = options_for(echo);
  taken.listeners[0].port = server->port();
  EXPECT_NE(reason(taken).find("in use"), std::string::npos);
}

}  // namespace
}  // namespace fp::net

#include "net/link.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "base/limits.hpp"
#include "net/test_support.hpp"

namespace fp::net::testing {
namespace {

constexpr std::int64_t kSoonMs = 60'000;

LinkOptions site_side() {
  LinkOptions o;
  o.site_code = "FP1";
  o.name = "site.corp";
  o.certificate_file = test_pki().client_chain;
  o.key_file = test_pki().client_key;
  o.retry = {20, 100};
  o.body_limit = [](const Request& r) { return r.path == "/small" ? std::size_t{10} : std::size_t{16} << 20; };
  return o;
}

LinkOptions edge_side() {
  LinkOptions o = site_side();
  o.name = "mp.edge";
  o.certificate_file = test_pki().server_chain;
  o.key_file = test_pki().server_key;
  o.clients_certificate_der = "certificate for clients";
  return o;
}

LinkPeer site_peer(std::string address = {}) { return {"site.corp", test_pki().client_fingerprint, "FP1", std::move(address)}; }
LinkPeer edge_peer(std::string address = {}) { return {"mp.edge", test_pki().server_fingerprint, "FP1", std::move(address)}; }

void listen(LinkOptions& o) { o.listen_address = "127.0.0.1"; }
std::string at(const Link& link) { return "127.0.0.1:" + std::to_string(link.port()); }

bool open_of(const Link& link) {
  return eventually([&] { return !link.states().empty() && link.states()[0].open; });
}

bool down_of(const Link& link) {
  return eventually([&] { return !link.states().empty() && !link.states()[0].open; });
}

Request message(std::string path, std::string body = {}) {
  Request r;
  r.method = body.empty() ? "GET" : "CCM_POST";
  r.target = std::move(path);
  r.headers = {{"Host", "mp"}, {"Connection", "close"}, {"X-Own", "1"}};
  r.body = std::move(body);
  r.peer.door = Door::internet_https;
  r.peer.address = "203.0.113.9";
  r.peer.port = 4000;
  r.peer.certificate_der = "leaf";
  r.peer.check = {CertificateProblem::none, {}};
  r.peer.chain_der = std::make_shared<const std::vector<std::string>>(std::vector<std::string>{"above"});
  return r;
}

std::string text_of(const Response& response) {
  std::string out;
  for (const auto& segment : response.body) out += bytes_of(segment).value_or("?");
  return out;
}

// Two ends, the edge listens and the site opens, as in a perimeter.
struct Pair {
  std::unique_ptr<Link> edge, site;
  explicit Pair(Handler answers, LinkOptions of_site = site_side()) {
    auto e = edge_side();
    listen(e);
    e.peers = {site_peer()};
    edge = Link::start(std::move(e)).value();
    of_site.handler = std::move(answers);
    of_site.peers = {edge_peer(at(*edge))};
    site = Link::start(std::move(of_site)).value();
    EXPECT_TRUE(open_of(*edge));
    EXPECT_TRUE(open_of(*site));
  }
  Result<Response> ask(Request request, std::int64_t within_ms = kSoonMs) const { return edge->ask("site.corp", request, within_ms); }
};

}  // namespace

TEST(Link, ARequestArrivesWithWhatTlsProvedAndNoFinding) {
  Request seen;
  const Pair pair([&](Request& r) {
    seen = r;
    return std::move(Response::text(207, "text/xml", "<answer/>").set("X-Answer", "2"));
  });
  const auto response = pair.ask(message("/ccm_system/a%20b?q=1", "body"));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 207);
  EXPECT_EQ(text_of(*response), "<answer/>");
  EXPECT_EQ(seen.path, "/ccm_system/a b");
  EXPECT_EQ(seen.query, "q=1");
  EXPECT_EQ(seen.body, "body");
  EXPECT_EQ(seen.header("X-Own"), "1");
  EXPECT_FALSE(seen.has_header("Connection"));
  EXPECT_EQ(seen.header("Content-Length"), "4");
  EXPECT_EQ(seen.peer.address, "203.0.113.9");
  EXPECT_EQ(seen.peer.certificate_der, "leaf");
  ASSERT_TRUE(seen.peer.chain_der);
  EXPECT_EQ(seen.peer.chain_der->at(0), "above");
  EXPECT_EQ(seen.peer.check.problem, CertificateProblem::untrusted) << "the other end's finding is not believed";
  ASSERT_TRUE(seen.via);
  EXPECT_EQ(seen.via->name, "mp.edge");
  EXPECT_EQ(seen.via->certificate_der, "certificate for clients");
}

TEST(Link, EitherEndMayAskWhoeverOpenedIt) {
  auto s = site_side();
  listen(s);
  s.peers = {edge_peer()};
  s.handler = [](Request&) { return Response::text(200, "a", "from the site"); };
  const auto site = Link::start(std::move(s)).value();
  auto e = edge_side();
  e.peers = {site_peer(at(*site))};
  e.handler = [](Request&) { return Response::text(200, "a", "from the edge"); };
  const auto edge = Link::start(std::move(e)).value();
  ASSERT_TRUE(open_of(*edge));
  ASSERT_TRUE(open_of(*site));
  Request one = message("/"), other = message("/");
  EXPECT_EQ(text_of(edge->ask("site.corp", one, kSoonMs).value()), "from the site");
  EXPECT_EQ(text_of(site->ask("mp.edge", other, kSoonMs).value()), "from the edge");
}

TEST(Link, LargeBodiesBothWaysShareItWithSmallOnes) {
  const std::string large = pattern_bytes(9U << 20);
  const Pair pair([&](Request& r) { return Response::text(200, "a", r.path == "/echo" ? r.body : "small"); });
  std::atomic<int> small{0};
  std::thread busy([&] {
    for (int n = 0; n < 50; ++n) small += text_of(pair.ask(message("/small")).value()) == "small" ? 1 : 0;
  });
  const auto response = pair.ask(message("/echo", large));
  busy.join();
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(text_of(*response) == large);
  ASSERT_EQ(response->body.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<FileSlice>(response->body[0])) << "a large answer waits on disk";
  EXPECT_EQ(small, 50);
}

TEST(Link, AFileIsSentInParts) {
  const TestFolder dir;
  const std::string bytes = pattern_bytes(3U << 20);
  const auto file = open_file(dir.put("f", bytes));
  const Pair pair([&](Request&) {
    Response r;
    r.body.emplace_back(std::string("--"));
    r.body.emplace_back(FileSlice{file, 5, static_cast<std::int64_t>(bytes.size()) - 5});
    return r;
  });
  EXPECT_TRUE(text_of(pair.ask(message("/f")).value()) == "--" + bytes.substr(5));
}

TEST(Link, ABodyOverTheLimitIsRefusedAndTheLinkLivesOn) {
  const Pair pair([](Request&) { return Response::empty(200); });
  EXPECT_EQ(pair.ask(message("/small", pattern_bytes(5U << 20)))->status, 413);
  EXPECT_EQ(pair.ask(message("/other", pattern_bytes(5U << 20)))->status, 200);
}

TEST(Link, AnAnswerLargerThanTheAskerWantsIsNotTakenAndTheLinkLivesOn) {
  const Pair pair([](Request&) { return Response::text(200, "a/b", pattern_bytes(2U << 20)); });
  auto one = message("/large"), other = message("/large");
  EXPECT_EQ(pair.edge->ask("site.corp", one, kSoonMs, 1 << 20).error().code, Code::too_large);
  EXPECT_EQ(text_of(pair.edge->ask("site.corp", other, kSoonMs, 2 << 20).value()).size(), 2U << 20);
}

TEST(Link, AnAnswerWaitsUntilItIsDurableAndIsA503IfItNeverIs) {
  Ticket ticket = Ticket::pending();
  const Pair pair([&](Request&) {
    Response r = Response::empty(200);
    r.ticket = ticket;
    return r;
  });
  EXPECT_EQ(pair.ask(message("/"), 50).error().code, Code::timed_out);
  std::thread later([&] { ticket.settle(fail(Code::io, "the disk is full")); });
  const auto response = pair.ask(message("/"));
  later.join();
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 503);
}

TEST(Link, WhatIsAskedWhileItIsCutFailsAndItIsOpenedAgain) {
  std::mutex mutex;
  std::condition_variable changed;
  bool asked = false, release = false;
  Pair pair([&](Request& r) {
    std::unique_lock lock(mutex);
    asked = true;
    changed.notify_all();
    if (r.path == "/slow") changed.wait(lock, [&] { return release; });
    return Response::empty(200);
  });
  Result<Response> answer = Response();
  std::thread asker([&] { answer = pair.ask(message("/slow")); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return asked; });
  }
  pair.site->set_peers({});  // the site hangs up
  asker.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_NE(answer.error().message.find("was cut"), std::string::npos) << answer.error().message;
  EXPECT_EQ(pair.ask(message("/")).error().code, Code::unavailable) << "nothing is kept for later";
  {
    const std::lock_guard lock(mutex);
    release = true;
    changed.notify_all();
  }
  ASSERT_TRUE(down_of(*pair.edge));
  pair.site->set_peers({edge_peer(at(*pair.edge))});
  ASSERT_TRUE(open_of(*pair.edge));
  const auto again = pair.ask(message("/"));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->status, 200);
}

TEST(Link, OnlyThePinnedCertificateGetsIn) {
  auto e = edge_side();
  listen(e);
  e.peers = {{"site.corp", std::string(64, '0'), "FP1", {}}};
  const auto edge = Link::start(std::move(e)).value();
  auto s = site_side();
  s.peers = {edge_peer(at(*edge))};
  std::atomic<int> opened{0};
  s.on_change = [&](const LinkState& state) { opened += state.open ? 1 : 0; };
  const auto site = Link::start(std::move(s)).value();
  EXPECT_TRUE(eventually([&] { return site->states()[0].problem != "it was not opened yet"; }));
  EXPECT_FALSE(site->states()[0].open);
  EXPECT_FALSE(edge->states()[0].open);
  EXPECT_EQ(opened, 0);
}

TEST(Link, AnotherNameOrSiteUnderAKnownCertificateIsRefused) {
  for (const auto& [name, site_code] : {std::pair{"mp.other", "FP1"}, std::pair{"mp.edge", "FP2"}}) {
    auto e = edge_side();
    listen(e);
    e.name = name;
    e.site_code = site_code;
    e.peers = {site_peer()};
    const auto edge = Link::start(std::move(e)).value();
    auto s = site_side();
    s.peers = {edge_peer(at(*edge))};
    const auto site = Link::start(std::move(s)).value();
    const auto problem = [&] { return site->states()[0].problem; };
    EXPECT_TRUE(eventually([&] { return problem().find("is known as that of mp.edge of site FP1") != std::string::npos; })) << problem();
  }
}

TEST(Link, WhatDoesNotSpeakTlsOrNothingAtAllCostsNothing) {
  auto e = edge_side();
  listen(e);
  e.handshake_timeout_s = 1;
  e.peers = {site_peer()};
  const auto edge = Link::start(std::move(e)).value();
  RawClient plain(edge->port());
  plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(plain.read().status, 0);
  RawClient silent(edge->port());
  EXPECT_TRUE(silent.at_end());
}

TEST(Link, FilesThatAreNotThereAreNamed) {
  auto o = site_side();
  o.key_file = "/nowhere/link.key";
  const auto link = Link::start(std::move(o));
  ASSERT_FALSE(link);
  EXPECT_NE(link.error().message.find("/nowhere/link.key"), std::string::npos);
}

}  // namespace fp::net::testing

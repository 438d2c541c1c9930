// What the fallback status point is told, in whole passes against a site in memory.
#include "agent/core/fallback.hpp"

#include <gtest/gtest.h>

#include "agent/core/fake_world.hpp"
#include "base/text.hpp"
#include "crypto/cms.hpp"
#include "model/policy_document.hpp"
#include "net/client.hpp"
#include "pki/issue.hpp"
#include "wire/fallback.hpp"

using namespace fp;
using namespace fp::agent;
using namespace fp::agent::fake;

namespace {

const Error kExpired{Code::unauthenticated, "TLS: mp1:443: its certificate, or one above it, is expired"};

struct FallbackBench : Bench {
  FallbackBench() { settings.fallback_status_point = "fsp.test"; }
  // Topic and state of everything that came, in order.
  [[nodiscard]] std::vector<std::pair<int, int>> said() const {
    std::vector<std::pair<int, int>> out;
    for (const auto& [type, body] : site.fallback) {
      const auto read = wire::decode_fallback(type, body);
      EXPECT_TRUE(read);
      if (read) out.emplace_back(read->front().topic_type, read->front().state_id);
    }
    return out;
  }
  [[nodiscard]] FallbackMessage last() const { return wire::decode_fallback(site.fallback.back().first, site.fallback.back().second)->front(); }
  void break_everything(const Error& error) {
    for (const char* base : {"https://mp1", "https://mp1:443", "https://mp9", "https://mp9:443"}) site.failing[base] = error;
  }
};

using Said = std::vector<std::pair<int, int>>;

}  // namespace

TEST(FallbackReporting, AClientWithoutAStatusPointDoesNothing) {
  FallbackBench b;
  b.settings.fallback_status_point.clear();
  b.break_everything(kExpired);
  b.pass();
  EXPECT_TRUE(b.site.fallback.empty());
  EXPECT_TRUE(b.memory->untold_fallback(10)->empty());
}

TEST(FallbackReporting, ARegisteredClientSaysOnceThatItReachesNobodyAndOnceThatItDoesAgain) {
  FallbackBench b;
  EXPECT_EQ(b.pass().problem, "");
  EXPECT_TRUE(b.site.fallback.empty());  // the management point knows all of it
  b.break_everything(kExpired);
  b.clock.advance_s(7200);
  b.pass();
  ASSERT_EQ(b.said(), (Said{{1000, 2}}));
  const auto m = b.last();
  EXPECT_EQ(m.client_id, "GUID:77777777-7777-4777-8777-777777777777");
  EXPECT_EQ(m.site_code, "LAB");
  ASSERT_GE(m.parameters.size(), 3U);
  EXPECT_EQ(m.parameters[1], "TLS expired");
  EXPECT_NE(m.details.find("its certificate, or one above it, is expired"), std::string::npos);
  for (int n = 0; n < 5; ++n) {
    b.clock.advance_s(3600);
    b.open();
    b.pass();
  }
  EXPECT_EQ(b.said().size(), 1U);
  b.break_everything({Code::unavailable, "mp1:443 refused the connection"});
  b.clock.advance_s(3600);
  b.pass();
  ASSERT_EQ(b.said().size(), 2U);
  EXPECT_EQ(b.last().parameters[1], "connect");
  b.site.failing.clear();
  b.clock.advance_s(3600);
  EXPECT_EQ(b.pass().problem, "");
  EXPECT_EQ(b.said(), (Said{{1000, 2}, {1000, 2}, {1000, 1}}));
  b.clock.advance_s(3600);
  b.pass();
  EXPECT_EQ(b.said().size(), 3U);
}

TEST(FallbackReporting, ANewClientThatReachesNobodyTellsOfItsAssignmentAndWhenItIsDone) {
  FallbackBench b;
  memory::FallbackNote installed;
  installed.topic_type = 800;
  for (const int state : {100, 400}) {
    installed.state_id = state;
    ASSERT_TRUE(*b.memory->note_fallback(installed));
  }
  b.break_everything(kExpired);
  b.pass();
  EXPECT_EQ(b.said(), (Said{{800, 100}, {800, 400}, {800, 500}, {1000, 2}, {800, 603}}));
  b.site.failing.clear();
  b.clock.advance_s(7200);
  b.pass();
  EXPECT_EQ(b.said(), (Said{{800, 100}, {800, 400}, {800, 500}, {1000, 2}, {800, 603}, {1000, 1}, {800, 700}}));
}

TEST(FallbackReporting, ASiteThatTheManagementPointDoesNotServeIsSaidAsThat) {
  FallbackBench b;
  b.settings.site_code = "XYZ";
  b.pass();
  ASSERT_FALSE(b.site.fallback.empty());
  EXPECT_EQ(b.said().back(), (std::pair{800, 602}));
  EXPECT_NE(b.last().details.find("does not serve site XYZ"), std::string::npos);
}

TEST(FallbackReporting, NoCertificateIsSaidAndThatItIsThere) {
  FallbackBench b;
  b.settings.use_pki = true;
  b.settings.certificate_dir = (b.dir / "nothing-here").string();
  b.pass();
  EXPECT_EQ(b.said(), (Said{{1001, 2}}));
  b.settings.use_pki = false;
  b.clock.advance_s(7200);
  b.pass();
  EXPECT_EQ(b.said(), (Said{{1001, 2}, {1001, 1}}));
}

TEST(FallbackReporting, WhatCannotBeToldWaitsWithTheBackOffAndNothingElseIsHeldUp) {
  FallbackBench b;
  b.pass();
  b.break_everything(kExpired);
  b.site.offline.insert("http://fsp.test:80");
  b.clock.advance_s(7200);
  const auto first = b.pass();
  EXPECT_TRUE(b.site.fallback.empty());
  EXPECT_EQ(b.memory->untold_fallback(10)->size(), 1U);
  EXPECT_GE(first.next.since_ms(b.clock.now()), 5000);
  const auto asked = b.site.calls.size();
  b.site.offline.clear();
  b.pass();  // too early
  EXPECT_EQ(b.site.calls.size(), asked);
  b.clock.advance_s(3600);
  b.pass();
  EXPECT_EQ(b.said(), (Said{{1000, 2}}));
  EXPECT_EQ(*b.memory->property("fallback.problem"), "");
}

TEST(FallbackReporting, APortalIsNotBelievedAThrottleIsObeyedAndWhatIsUnwantedIsDropped) {
  FallbackBench b;
  b.pass();
  b.break_everything(kExpired);
  b.site.fallback_is_portal = true;
  b.clock.advance_s(7200);
  b.pass();
  EXPECT_NE(b.memory->property("fallback.problem")->find("without the receipt"), std::string::npos);
  EXPECT_EQ(b.memory->untold_fallback(10)->size(), 1U);
  b.site.fallback_is_portal = false;
  b.site.fallback_status = 429;
  b.clock.advance_s(3600);
  b.pass();
  EXPECT_GE(parse_int(*b.memory->property("fallback.next_at")).value() - b.clock.now().ms, 900'000);
  b.site.fallback_status = 400;
  b.pass({{}, true, false});  // another network: at once
  EXPECT_TRUE(b.memory->untold_fallback(10)->empty());
  EXPECT_FALSE(*b.memory->last_told_fallback(0));
}

TEST(FallbackReporting, WithTheCertificateOfTheSiteEverythingIsSealed) {
  FallbackBench b;
  pki::Order order;
  order.profile = pki::Profile::site_sealing;
  order.not_before = {1'700'000'000'000};
  order.not_after = {2'000'000'000'000};
  const auto sealing = *pki::self_signed_with_new_key(order, system_random());
  b.site.put_settings({{kSealingSetting, base64(sealing.certificate.der())}});
  b.pass();
  b.break_everything(kExpired);
  b.clock.advance_s(7200);
  b.pass();
  ASSERT_EQ(b.site.fallback.size(), 1U);
  const auto& [type, body] = b.site.fallback[0];
  EXPECT_TRUE(wire::is_sealed_fallback(type, body));
  EXPECT_EQ(body.find("StateMessage"), std::string::npos);
  const auto plain = crypto::open(body, sealing.key, sealing.certificate.der());
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(wire::decode_fallback(wire::kFallbackType, *plain)->front().state_id, 2);
}

TEST(FallbackReporting, NamesTheCheckThatFailed) {
  const std::pair<Error, std::string_view> cases[] = {
      {kExpired, "TLS expired"},
      {{Code::unauthenticated, "TLS: mp:443: its certificate, or one above it, is not yet valid"}, "TLS not yet valid"},
      {{Code::unauthenticated, "TLS: mp:443: its certificate is revoked"}, "TLS revoked"},
      {{Code::unauthenticated, "TLS: mp:443: no CRL of its issuer is at hand, which counts as revoked"}, "CRL"},
      {{Code::unauthenticated, "TLS: the certificate of mp:443 is for another name (name mismatch)"}, "TLS name"},
      {{Code::unauthenticated, "TLS: mp:443: its certificate is untrusted: it does not chain to a trusted root"}, "TLS chain"},
      {{Code::unauthenticated, "TLS: mp:443 does not speak TLS on this port"}, "TLS"},
      {{Code::unavailable, "revocation lists (CRL) of the site systems: http://crl: DNS: ..."}, "CRL"},
      {{Code::unavailable, "DNS: the name of mp:443 cannot be resolved"}, "DNS"},
      {{Code::unavailable, "mp:443 refused the connection"}, "connect"},
      {{Code::unavailable, "no route to mp:443"}, "connect"},
      {{Code::unavailable, "the proxy http://p:3128 refused: 407"}, "proxy"},
      {{Code::timed_out, "mp:443 did not answer in time"}, "timeout"},
      {{Code::forbidden, "https://mp:443/ccm_system/request answered 403"}, "403"},
      {{Code::forbidden, "https://mp:443 gave MP_PolicyManager no answer: refused, or not ready yet"}, "refused"},
      {{Code::unavailable, "https://mp:443/x answered 502"}, "other"},
  };
  for (const auto& [error, check] : cases) EXPECT_EQ(failed_check(error), check) << error.message;
}

// The sentences above are those of the client that the agent uses.
TEST(FallbackReporting, TheClientsOwnSentencesAreKnown) {
  net::ClientOptions options;
  options.connect_timeout_s = 2;
  const auto refused = net::Client(options).get("https://127.0.0.1:1/");
  ASSERT_FALSE(refused);
  EXPECT_EQ(failed_check(refused.error()), "connect") << refused.error().message;
  options.tls.ca_file = "/nonexistent";
  const auto local = net::Client(options).get("https://127.0.0.1:1/");
  ASSERT_FALSE(local);
  EXPECT_EQ(failed_check(local.error()), "other");
}

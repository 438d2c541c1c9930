// TLS: version, the server's certificate in all its checks, the revocation lists of both chains.
#include <algorithm>
#include <set>

#include "base/file.hpp"
#include "base/text.hpp"
#include "doctor/visit.hpp"
#include "pki/crl_store.hpp"
#include "pki/verifier.hpp"

namespace fp::doctor {
namespace {

constexpr std::int64_t kWarnBeforeS = 30LL * 24 * 3600;
constexpr std::size_t kListBytesMax = 32U << 20;

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& one : all) out += (out.empty() ? "" : ", ") + one;
  return out.empty() ? "nothing" : out;
}

void check_dates(Visit& visit, const std::string& check, const pki::Certificate& c, const std::string& whose) {
  const auto now = visit.around.clock.now();
  if (now < c.not_before() || c.not_after() < now) {
    const bool early = now < c.not_before();
    visit.add(check, Outcome::failed,
              fmt::format("{} is valid from {} to {}; the clock here says {}", c.label(), to_iso(c.not_before()),
                          to_iso(c.not_after()), to_iso(now)),
              early ? fmt::format("set the clock of this computer, or wait until {} is valid", whose)
                    : fmt::format("renew {}, unless the clock of this computer is wrong", whose));
  } else if (c.not_after() < now.plus_s(kWarnBeforeS)) {
    visit.add(check, Outcome::warning, fmt::format("{} expires on {}", c.label(), to_iso(c.not_after())),
              fmt::format("renew {} before that day", whose));
  } else {
    visit.ok(check, fmt::format("valid until {}", to_iso(c.not_after())));
  }
}

void check_own(Visit& visit) {
  if (visit.subject.own_chain.empty()) return;
  const auto& own = visit.subject.own_chain.front();
  check_dates(visit, "client certificate dates", own, "the client certificate");
  if (own.has_eku(pki::kEkuClientAuth))
    visit.ok("client certificate purpose", own.label());
  else
    visit.add("client certificate purpose", Outcome::failed, own.label() + " is not for client authentication",
              "issue one with the purpose client authentication");
}

void check_list(Visit& visit, const std::string& url, const std::vector<pki::Certificate>& chain) {
  const auto check = "revocation list " + url;
  const auto where = fmt::format("publish the list at {} so that every network reaches it by plain HTTP, without a login", url);
  net::ClientOptions plain = visit.subject.client;
  plain.tls.certificate_file.clear();
  plain.tls.key_file.clear();
  plain.tls.crl_file.clear();
  plain.body_bytes_max = kListBytesMax;
  const auto reply = net::Client(plain).get(url);
  if (!reply)
    return visit.add(check, Outcome::failed, reply.error().message + "; without the list every certificate counts as revoked",
                     where);
  if (reply->status != 200)
    return visit.add(check, Outcome::failed,
                     fmt::format("answered {}; without the list every certificate counts as revoked", reply->status), where);
  const auto list = pki::Crl::parse(reply->body);
  if (!list) return visit.add(check, Outcome::failed, "what comes is no revocation list: " + list.error().message, where);
  if (list->next_update() < visit.around.clock.now())
    return visit.add(check, Outcome::failed, fmt::format("the list ended on {}", to_iso(list->next_update())),
                     "have the certification authority publish a new list there");
  for (const auto& c : chain)
    if (c.issuer() == list->issuer() && list->lists(c))
      return visit.add(check, Outcome::failed, fmt::format("{} is revoked", c.label()),
                       "issue a new certificate, and find out why this one was revoked");
  visit.ok(check, fmt::format("{} entries, good until {}", list->size(), to_iso(list->next_update())));
}

void check_lists(Visit& visit, const std::vector<pki::Certificate>& chain) {
  auto all = chain;
  all.insert(all.end(), visit.subject.own_chain.begin(), visit.subject.own_chain.end());
  std::set<std::string> urls;
  for (const auto& c : all) urls.insert(c.crl_urls().begin(), c.crl_urls().end());
  if (urls.empty())
    visit.add("revocation list", Outcome::warning, "no certificate names a place of its revocation list",
              "have the certification authority write one into the certificates that it issues");
  for (const auto& url : urls) check_list(visit, url, all);
}

// Chain and name as a client looks at them; dates, purpose and revocation have findings of their own.
bool check_trust(Visit& visit, const std::vector<pki::Certificate>& chain) {
  const auto& leaf = chain.front();
  if (visit.subject.roots_pem.empty()) {
    visit.ok("certificate chain", leaf.label() + "; compared with the roots of this machine by the first request");
    return true;
  }
  pki::TrustPolicy policy;
  policy.check_crl = false;
  if (auto added = pki::add_issuers(policy, visit.subject.roots_pem); !added) {
    visit.add("certificate chain", Outcome::failed, added.error().message, "name a PEM file with the roots of the site");
    return false;
  }
  const pki::Verifier verifier(std::move(policy), nullptr);
  const std::vector<pki::Certificate> sent(chain.begin() + 1, chain.end());
  const auto result = verifier.check_server(leaf, sent, visit.host, visit.around.clock.now());
  if (result.problem != CertificateProblem::untrusted) {
    visit.ok("certificate chain", fmt::format("{} chains to a root of the site", leaf.label()));
    return true;
  }
  visit.add("certificate chain", Outcome::failed,
            fmt::format("the certificate that answers is {}, and does not chain to a root of the site", leaf.label()),
            "something on the way ends TLS with a certificate of its own (an inspecting proxy, a login portal), or another "
            "server answers: let "
            "it pass TLS to this name unopened, or give the server a certificate of the site's authority");
  return false;
}

// What a portal does: it answers everybody, about everything.
void check_who_intercepts(Visit& visit) {
  net::ClientOptions open = visit.subject.client;
  open.tls = {};
  net::TlsSeen seen;
  net::ClientRequest look;
  look.url = visit.subject.url + "/";
  look.tls_seen = &seen;
  if (!net::Client(open).perform(look) || seen.chain_der.empty()) return;
  const auto leaf = pki::Certificate::from_der(seen.chain_der.front());
  if (!leaf) return;
  open.tls.pinned_fingerprint = leaf->fingerprint();
  const auto reply = net::Client(open).get(visit.subject.url + "/x" + hex_lower(visit.around.random.bytes(8)));
  if (!reply || (reply->status != 200 && reply->status / 100 != 3)) return;
  visit.add("captive portal", Outcome::failed,
            fmt::format("whoever answers instead says {} to a path that cannot exist", reply->status),
            "a login portal stands in the way: open a browser on this network and log in, or use another network");
}

}  // namespace

bool check_certificates(Visit& visit) {
  check_own(visit);
  net::TlsSeen seen;
  net::ClientRequest request;
  request.url = visit.subject.url + "/";
  request.tls_seen = &seen;
  const auto done = visit.client.perform(request);
  const bool proxy = visit.client.proxy_failed();
  if (!visit.subject.client.proxy.empty()) {
    const auto named = fmt::format("{}, named by the {}", visit.subject.client.proxy, visit.subject.proxy_source);
    if (proxy)
      visit.add("web proxy", Outcome::failed, done.error().message,
                fmt::format("look at the web proxy {}, or name another", named));
    else
      visit.ok("web proxy", named);
  }
  if (!done) {
    if (!proxy)
      visit.add("connection", Outcome::failed, done.error().message,
                "open TCP to that port on every firewall between, and have the server listen there");
    return false;
  }
  std::vector<pki::Certificate> chain;
  for (const auto& der : seen.chain_der)
    if (auto c = pki::Certificate::from_der(der)) chain.push_back(std::move(*c));
  if (chain.empty()) {
    visit.add("connection", Outcome::failed, "the server showed no certificate", "give it one");
    return false;
  }
  visit.ok("tls version", fmt::format("{}, {}", seen.version, seen.cipher));
  const auto& leaf = chain.front();
  const bool trusted = check_trust(visit, chain);
  bool good = trusted;
  if (pki::names_host(leaf, visit.host)) {
    visit.ok("certificate name", leaf.label());
  } else {
    good = false;
    visit.add(
        "certificate name", Outcome::failed,
        fmt::format("the certificate names {} and not {}",
                    joined(leaf.alternative_names().empty() ? std::vector{leaf.common_name()} : leaf.alternative_names()),
                    visit.host),
        fmt::format(
            "issue the server a certificate with the subject alternative name {}, or correct DNS: another server may answer",
            visit.host));
  }
  if (leaf.has_eku(pki::kEkuServerAuth))
    visit.ok("certificate purpose", "server authentication");
  else
    visit.add("certificate purpose", Outcome::failed, leaf.label() + " is not for server authentication",
              "issue a certificate with the purpose server authentication");
  check_dates(visit, "certificate dates", leaf, "the certificate of the server");
  if (trusted && visit.subject.check_revocation) check_lists(visit, chain);
  if (!trusted) check_who_intercepts(visit);
  return good;
}

}  // namespace fp::doctor

// HTTP through the real path: what was sent against what arrived, and what came back against what was ordered.
#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "doctor/visit.hpp"

namespace fp::doctor {
namespace {

constexpr std::string_view kMultipart = "multipart/mixed; boundary=\"aAbBcCdDv1234567890VxXyYzZ\"";
constexpr std::string_view kBytes = "application/octet-stream";
constexpr int kPauseMs = 1200;
constexpr std::int64_t kClockWarnS = 60;

net::ClientRequest make(std::string_view method, net::Headers headers = {}, std::string body = {}) {
  net::ClientRequest r;
  r.method = method;
  r.headers = std::move(headers);
  r.body = std::move(body);
  r.send_body = method.ends_with("POST");
  return r;
}

// The part that stands for an answer which is not the one of the site system.
std::string strange(const Answer& a) {
  const auto& r = a.response;
  const auto server = r.header("Server");
  return fmt::format("answered {}{} by something on the way", r.status, server.empty() ? "" : fmt::format(" ({})", server));
}

std::string described(const Result<Answer>& a) { return a ? strange(*a) : a.error().message; }

std::string body_of(std::size_t bytes) { return wire::sample_bytes(0, static_cast<std::int64_t>(bytes)); }

// What is wrong with a body that was sent; empty: it arrived whole.
std::string lost(const Result<Answer>& a, std::string_view sent) {
  if (!a) return a.error().message;
  if (a->response.status != 200 || !a->arrived) return strange(*a);
  if (a->arrived->body_bytes != static_cast<std::int64_t>(sent.size()))
    return fmt::format("{} of {} bytes arrived", a->arrived->body_bytes, sent.size());
  if (a->arrived->body_sha256 != hex_lower(crypto::sha256(sent))) return "it arrived changed";
  return {};
}

}  // namespace

void check_verbs(Visit& visit, const Door& door) {
  struct Case {
    std::string_view method, path;
  };
  std::vector<Case> cases = {{"HEAD", door.look}, {"GET", door.look}, {"PROPFIND", door.look}};
  if (!door.message.empty()) cases.push_back({door.upload.empty() ? "POST" : "CCM_POST", door.message});
  if (!door.upload.empty()) cases.push_back({"BITS_POST", door.upload});
  if (door.look.empty()) cases.erase(cases.begin(), cases.begin() + 3);
  for (const auto& c : cases) {
    const auto check = fmt::format("verb {}", c.method);
    net::ClientRequest request = make(c.method);
    if (c.method == "PROPFIND") request.headers.emplace_back("Depth", "1");
    if (request.send_body) request.headers.emplace_back("Content-Type", c.method == "BITS_POST" ? kBytes : kMultipart);
    const auto change =
        fmt::format("have every firewall and proxy in front of the {} pass the verb {} as it is", door.role, c.method);
    const auto answer = visit.ask(std::move(request), std::string(c.path));
    if (!answer || answer->response.status != 200) {
      visit.add(check, Outcome::failed, described(answer), change);
    } else if (!answer->arrived) {
      if (c.method == "HEAD")
        visit.add(check, Outcome::warning, fmt::format("answered 200, but without the header {}", wire::kArrivedHeader),
                  "have the proxies pass headers of answers");
      else
        visit.add(check, Outcome::failed, "the answer is not the one of the site system", change);
    } else if (answer->arrived->method != c.method) {
      visit.add(check, Outcome::failed, fmt::format("arrives as {}: something on the way rewrites it", answer->arrived->method),
                change);
    } else {
      visit.ok(check, "arrives as it was sent");
    }
  }
}

namespace {

struct Header {
  std::string name, value;
  bool of_seed;  // in the list that firewalls are set by; else only what is better with it
};

void compare(Visit& visit, const Door& door, const Header& h, const wire::Arrived& arrived) {
  const auto check = fmt::format("header {}", h.name);
  const auto seen = arrived.value(h.name);
  const auto grade = h.of_seed ? Outcome::failed : Outcome::warning;
  const auto change =
      fmt::format("have every firewall and proxy in front of the {} pass the header {} as it is", door.role, h.name);
  if (seen == h.value)
    visit.ok(check, "arrives as it was sent");
  else if (seen.empty())
    visit.add(check, grade, "does not arrive: something on the way drops it", change);
  else
    visit.add(check, grade, fmt::format("arrives as \"{}\" instead of \"{}\"", seen, h.value), change);
}

}  // namespace

void check_headers(Visit& visit, const Door& door) {
  if (door.look.empty()) return;
  std::vector<Header> all = {{"Range", "bytes=0-9", true}};
  if (!door.message.empty()) {
    const auto random = hex(visit.around.random.bytes(16));
    for (const char* name : {"CCMClientID", "CCMClientIDSignature", "CCMClientTimestamp", "CCMClientTimestampsSignature"})
      all.push_back({name, random, true});
    all.push_back({"CCMClientTimestampSignature", random, true});  // as clients really spell it
  }
  all.push_back({"Depth", "1", false});
  net::ClientRequest request = make("GET");
  for (const auto& h : all) request.headers.emplace_back(h.name, h.value);
  const auto answer = visit.ask(std::move(request), std::string(door.look));
  if (!answer || !answer->arrived) {
    visit.add("headers", Outcome::failed, described(answer),
              fmt::format("have the proxies pass requests with the headers of a client to the {}", door.role));
    return;
  }
  for (const auto& h : all) compare(visit, door, h, *answer->arrived);
  // Content types travel with a body.
  for (const auto& [method, path, type] :
       {std::tuple("CCM_POST", door.message, kMultipart), std::tuple("BITS_POST", door.upload, kBytes)}) {
    if (path.empty() || door.upload.empty()) continue;
    const auto check = fmt::format("type {}", type.substr(0, type.find(';')));
    const auto change = fmt::format("have every firewall and proxy in front of the {} allow bodies of the type {}", door.role,
                                    type.substr(0, type.find(';')));
    const auto sent = visit.ask(make(method, {{"Content-Type", std::string(type)}}, body_of(1000)), std::string(path));
    if (!sent || !sent->arrived)
      visit.add(check, Outcome::failed, described(sent), change);
    else if (const auto arrived = sent->arrived->value("Content-Type"); arrived != type)
      visit.add(check, Outcome::failed, arrived.empty() ? "arrives without a type" : fmt::format("arrives as {}", arrived),
                change);
    else
      visit.ok(check, "arrives as it was sent");
  }
}

void check_ranges(Visit& visit, const Door& door) {
  if (door.look.empty()) return;
  const auto path = std::string(door.look) + "?sample";
  const auto change = fmt::format(
      "have the proxies in front of the {} pass Range and answers 206 as they are, without a cache in between: interrupted "
      "downloads begin anew otherwise",
      door.role);
  const auto get = [&](const char* range, const char* if_range) {
    net::ClientRequest request = make("GET", {{"Range", range}});
    if (if_range != nullptr) request.headers.emplace_back("If-Range", if_range);
    return visit.ask(std::move(request), path);
  };
  const auto one = get("bytes=100-199", nullptr);
  if (one && one->response.status == 206 && one->response.header("Content-Range") == "bytes 100-199/65536" &&
      one->response.body == wire::sample_bytes(100, 100))
    visit.ok("range single", "206 with the bytes that were asked for");
  else if (one && one->response.status == 200)
    visit.add("range single", Outcome::failed, "the whole file comes (200): Range is dropped or ignored on the way", change);
  else
    visit.add("range single", Outcome::failed,
              one && one->response.status == 206 ? "206 with other bytes than were asked for" : described(one), change);
  const auto two = get("bytes=0-15,160-175", nullptr);
  const bool parts = two && two->response.status == 206 &&
                     two->response.header("Content-Type").starts_with("multipart/byteranges") &&
                     two->response.body.find(wire::sample_bytes(160, 16)) != std::string::npos;
  if (parts)
    visit.ok("range multiple", "206 in parts");
  else if (two && two->response.status == 200)
    visit.add("range multiple", Outcome::failed, "the whole file comes (200)", change);
  else
    visit.add("range multiple", Outcome::failed,
              two && two->response.status == 206 ? "206 without the parts that were asked for" : described(two), change);
  const auto other = get("bytes=100-199", "\"another version\"");
  if (other && other->response.status == 200)
    visit.ok("if-range", "a file that changed is sent whole");
  else if (other && other->response.status == 206)
    visit.add("if-range", Outcome::warning,
              "a part comes although the file was said to have changed: If-Range is dropped on the way",
              fmt::format("nothing for clients of Farpoint, which compare the ETag themselves; for others have the proxies in "
                          "front of the {} pass If-Range",
                          door.role));
  else
    visit.add("if-range", Outcome::failed, described(other), change);
}

namespace {

void check_sizes(Visit& visit, const Door& door, std::string_view method, std::string_view path, std::string_view type,
                 const std::vector<std::size_t>& sizes) {
  const auto check = fmt::format("body {}", method);
  std::size_t good = 0;
  for (const auto size : sizes) {
    const auto body = body_of(size);
    const auto problem = lost(visit.ask(make(method, {{"Content-Type", std::string(type)}}, body), std::string(path)), body);
    if (problem.empty()) {
      good = size;
      continue;
    }
    visit.add(check, Outcome::failed, fmt::format("{} bytes pass, {} do not: {}", good, size, problem),
              fmt::format("have every firewall and proxy in front of the {} pass bodies of {} up to {} bytes, unchanged and "
                          "without a time limit that a slow line breaks",
                          door.role, method, sizes.back()));
    return;
  }
  visit.ok(check, fmt::format("up to {} bytes arrive unchanged", good));
}

void check_slow_body(Visit& visit, const Door& door, std::string_view method, std::string_view path, std::string_view type) {
  const auto body = body_of(64U << 10);
  std::size_t at = 0;
  bool paused = false;
  net::ClientRequest request = make(method, {{"Content-Type", std::string(type)}});
  request.upload_bytes = static_cast<std::int64_t>(body.size());
  request.upload = [&](char* into, std::size_t room) {
    if (at >= body.size() / 2 && !paused) {
      paused = true;
      visit.around.pause(kPauseMs);
    }
    const auto step = std::min({room, body.size() - at, std::size_t{8} << 10});
    body.copy(into, step, at);
    at += step;
    return step;
  };
  const auto answer = visit.ask(std::move(request), std::string(path));
  if (const auto problem = lost(answer, body); !problem.empty()) {
    visit.add("slow body", Outcome::failed, fmt::format("a body that pauses for {} ms does not pass: {}", kPauseMs, problem),
              fmt::format("raise the time limits on bodies of requests on every proxy in front of the {}", door.role));
  } else if (answer->arrived->body_took_ms < kPauseMs / 2) {
    visit.add("slow body", Outcome::warning, "a body is held back until it is whole: something on the way buffers it",
              fmt::format("nothing while it is not too large for the buffer; better switch off request buffering on the proxies "
                          "in front of the {}",
                          door.role));
  } else {
    visit.ok("slow body", "arrives as it is sent");
  }
}

}  // namespace

void check_bodies(Visit& visit, const Door& door) {
  if (door.message.empty() || door.upload.empty()) return;
  check_sizes(visit, door, "CCM_POST", door.message, kMultipart, {64U << 10, (1U << 20) + 1, limits::kMessageBodyBytesMax});
  check_sizes(visit, door, "BITS_POST", door.upload, kBytes, {64U << 10, (1U << 20) + 1, limits::kBitsFragmentBytesMax});
  check_slow_body(visit, door, "CCM_POST", door.message, kMultipart);
}

namespace {

constexpr std::array kDoors{
    Door{"management point", "/SMS_MP/.sms_doctor", "/ccm_system/doctor", "/CCM_Incoming/.doctor"},
    Door{"distribution point", "/SMS_DP_SMSPKG$/.sms_doctor", "", ""},
};

// A path that cannot exist: whoever answers it answers everything. True: there is nothing more to ask.
bool is_portal(Visit& visit) {
  const auto answer = visit.ask(make("GET"), "/SMS_MP/x" + hex_lower(visit.around.random.bytes(8)));
  if (!answer && answer.error().code == Code::invalid) {
    visit.add("client certificate", Outcome::failed, answer.error().message,
              "nothing was asked: give a certificate and the private key that belongs to it, both PEM, the key without a password and readable "
              "for this account");
    return true;
  }
  if (!answer) {
    visit.add("contact", Outcome::failed, answer.error().message,
              "the connection stands and requests are not answered: look at the server, and at what ends TLS in front of it");
    return true;
  }
  if (answer->response.status != 200 && answer->response.status / 100 != 3) return false;
  visit.add("captive portal", Outcome::failed,
            fmt::format("a path that cannot exist is answered with {}", answer->response.status),
            "a login portal or a proxy answers in the place of the site system: log in to the network in a browser, or use "
            "another network; at the "
            "server's end look at what the proxy in front does with unknown paths");
  return true;
}

void check_clock(Visit& visit, const wire::Arrived& arrived) {
  const auto apart_s = std::abs(visit.around.clock.now().since_ms(arrived.server_time)) / 1000;
  const auto text = fmt::format("{} s between here and the server", apart_s);
  const auto change =
      "set the clock of this computer, or of the server, by NTP: signatures hold for five minutes, certificates from a date on";
  if (apart_s * 1000 > limits::kClockSkewMs)
    visit.add("clock", Outcome::failed, text, change);
  else if (apart_s > kClockWarnS)
    visit.add("clock", Outcome::warning, text, change);
  else
    visit.ok("clock", text);
}

void check_identity(Visit& visit, const wire::Arrived& arrived) {
  const auto own = visit.subject.own_chain.empty() ? std::string() : visit.subject.own_chain.front().fingerprint();
  if (arrived.proxy)
    visit.ok("client certificate",
             "the server sees a bridging proxy that the site knows; it took the certificate of this client");
  else if (!own.empty() && arrived.fingerprint == own)
    visit.ok("client certificate", "the server sees the certificate of this client");
  else
    visit.add("client certificate", Outcome::failed,
              fmt::format("the server sees the certificate {}", arrived.fingerprint.empty() ? "of nobody" : arrived.fingerprint),
              "a proxy in front shows a certificate of its own that the site does not know: add its fingerprint to "
              "pki.pinned_proxies, or have the proxy pass TLS through");
  if (arrived.host.empty() || iequals(arrived.host, visit.host))
    visit.ok("site fqdn", fmt::format("the site publishes this server as {}", visit.host));
  else
    visit.add(
        "site fqdn", Outcome::warning, fmt::format("the site calls this server {} at this door", arrived.host),
        fmt::format(
            "set the FQDN in the configuration of the site system (site.internet_fqdn) to {}, or use the name that stands there",
            visit.host));
}

// Who shows no certificate must not come through (the site demands PKI certificates from clients of the internet).
void check_nobody(Visit& visit, const Door& door) {
  net::ClientOptions open = visit.subject.client;
  open.tls.certificate_file.clear();
  open.tls.key_file.clear();
  net::Client nobody(open);
  const auto reply = nobody.get(visit.subject.url + std::string(door.look));
  if (reply && reply->status == 200)
    visit.add("site pki", Outcome::failed, "a request without a client certificate is let through",
              "have the proxy in front demand client certificates of the issuers of the site");
  else
    visit.ok("site pki", reply ? fmt::format("without a client certificate the answer is {}", reply->status)
                               : "without a client certificate there is no connection");
}

void check_version(Visit& visit, const Answer& answer) {
  if (answer.response.version != "1.1")
    visit.add("http version", Outcome::failed, fmt::format("the answer is HTTP/{}", answer.response.version),
              "have every proxy on the way speak HTTP/1.1");
  else if (answer.arrived->http_minor == 0)
    visit.add("http version", Outcome::warning, "requests arrive as HTTP/1.0: a proxy in front speaks that to the server",
              "have that proxy speak HTTP/1.1 to the server (nginx: proxy_http_version 1.1)");
  else
    visit.ok("http version", "1.1 both ways");
}

}  // namespace

std::vector<Door> check_contact(Visit& visit) {
  if (is_portal(visit)) return {};
  std::vector<Door> found;
  std::string said;
  for (const auto& door : kDoors) {
    const auto answer = visit.ask(make("GET"), std::string(door.look));
    if (answer && answer->arrived && answer->response.status == 200) {
      if (found.empty()) {
        check_version(visit, *answer);
        check_clock(visit, *answer->arrived);
        check_identity(visit, *answer->arrived);
        check_nobody(visit, door);
      }
      visit.ok("role", fmt::format("{}, door {}", door.role, answer->arrived->door));
      found.push_back(door);
      continue;
    }
    if (!answer) {
      said = answer.error().message;
      break;
    }
    const auto line = answer->response.body.substr(0, answer->response.body.find('\n')).substr(0, 120);
    said += fmt::format("{}{} answered {}{}", said.empty() ? "" : "; ", door.look, answer->response.status,
                        line.empty() || line.starts_with('<') ? "" : ": " + line);
  }
  if (found.empty())
    visit.add("contact", Outcome::failed, said,
              said.find("403") != said.npos
                  ? "the server or a proxy in front refuses this client's certificate: the log of the site names the check that "
                    "failed; look at "
                    "issuer, purpose, dates, revocation list, and whether an administrator blocked the device"
                  : "no management point and no distribution point answers the doctor at this address: look at name and port, "
                    "and have the proxies in front "
                    "pass all paths below /SMS_MP, /ccm_system, /CCM_Incoming and /SMS_DP_SMSPKG$");
  return found;
}

void check_fallback(Visit& visit) {
  constexpr std::string_view kRefusal = "not a state message";
  constexpr const char* kPass = "have every firewall and proxy in front of the fallback status point pass POST to /SMS_FSP on this port";
  const auto answer = visit.ask(make("POST", {{"Content-Type", "text/xml"}}, "doctor"), "/SMS_FSP/.sms_fsp");
  if (!answer)
    visit.add("verb POST", Outcome::failed, answer.error().message, kPass);
  else if (answer->response.status == 400 && answer->response.body.starts_with(kRefusal))
    visit.ok("verb POST", "the fallback status point reads it, and refuses what is no message");
  else if (answer->response.status == 200)
    visit.add("captive portal", Outcome::failed, "nonsense is answered with 200: somebody answers in the place of the fallback status point",
              "log in to the network in a browser, or use another network");
  else
    visit.add("verb POST", Outcome::failed, strange(*answer), kPass);
}

}  // namespace fp::doctor

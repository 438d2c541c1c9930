// The bodies of fake_world.hpp; named like a test so that it is linked into the test program only.
#include "agent/core/fake_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.hpp"
#include "crypto/cms.hpp"
#include "crypto/hash.hpp"
#include "crypto/signature.hpp"
#include "pki/issue.hpp"
#include "wire/bits.hpp"
#include "wire/fallback.hpp"
#include "wire/envelope.hpp"
#include "wire/manifest.hpp"
#include "wire/model_json.hpp"
#include "wire/policy_body.hpp"
#include "wire/upload.hpp"
#include "wire/zlib.hpp"

namespace fp::agent::fake {

namespace {

constexpr std::size_t kPieceBytes = 512;  // how bytes arrive at a sink

// Keys cost 100 ms each; one per program run is enough.
const pki::Identity& client_identity() {
  static const pki::Identity identity = [] {
    pki::Order order;
    order.profile = pki::Profile::client_self_signed;
    order.not_before = {1'700'000'000'000};
    order.not_after = {2'000'000'000'000};
    return *pki::self_signed_with_new_key(order, system_random());
  }();
  return identity;
}

const pki::Identity& site_identity() {
  static const pki::Identity identity = [] {
    pki::Order order;
    order.profile = pki::Profile::site_signing;
    order.not_before = {1'700'000'000'000};
    order.not_after = {2'000'000'000'000};
    return *pki::self_signed_with_new_key(order, system_random());
  }();
  return identity;
}

Reply ok(std::string body, std::string type = "text/xml") { return {200, {{"Content-Type", std::move(type)}}, std::move(body)}; }

std::string base_of(const std::string& url) { return url.substr(0, url.find('/', url.find("//") + 2)); }

}  // namespace

Site::Site(ManualClock& c)
    : clock(c), signing_key(site_identity().key), signing_certificate_der(site_identity().certificate.der()) {}

void Site::put_policy(SitePolicy policy) {
  clock.set(clock.now().plus_ms(10));
  changed[policy.id] = clock.now();
  policies[policy.id] = std::move(policy);
}

void Site::drop_policy(const std::string& id) {
  clock.set(clock.now().plus_ms(10));
  changed[id] = clock.now();
  policies.erase(id);
}

void Site::put_deployment(const DeploymentDocument& document, const std::string& id, const std::string& version) {
  wire::PolicyBody body{id, version, "SMS:LAB", "", {{policy_class::kDeployment, {{"Document", wire::to_json(document)}}}}};
  put_policy({id, version, policy_category::kDeployment, wire::encode_policy_body(body)});
}

void Site::put_settings(const std::map<std::string, std::string>& values) {
  const std::string id = "66666666-6666-4666-8666-666666666666";
  wire::PolicyInstance instance{policy_class::kClientSettings, {}};
  for (const auto& [name, value] : values) instance.properties.push_back({name, value});
  const auto old = policies.find(id);
  const std::string version = old == policies.end() ? "1.00" : "2.00";
  put_policy({id, version, policy_category::kClientSettings, wire::encode_policy_body({id, version, "SMS:LAB", "", {instance}})});
}

ContentReference Site::put_content(const std::string& id, std::map<std::string, std::string> files, std::int64_t chunk_bytes) {
  SiteContent content{std::move(files), {}};
  content.manifest.content_id = id;
  content.manifest.chunk_bytes = chunk_bytes;
  for (const auto& [path, bytes] : content.files) {
    ManifestFile f{path, static_cast<std::int64_t>(bytes.size()), hex_lower(crypto::sha256(bytes)), {}, {}};
    for (std::size_t at = 0; at < bytes.size(); at += static_cast<std::size_t>(chunk_bytes)) {
      f.chunk_sha256.push_back(
          hex_lower(crypto::sha256(std::string_view(bytes).substr(at, static_cast<std::size_t>(chunk_bytes)))));
    }
    content.manifest.files.push_back(std::move(f));
  }
  content.manifest.root_hash = wire::manifest_root_hash(content.manifest);
  ContentReference reference{id, content.manifest.root_hash, content.manifest.total_bytes()};
  contents[id] = std::move(content);
  return reference;
}

Result<Reply> Site::answer(const Call& call) {
  const auto base = base_of(call.url);
  if (offline.contains(base)) return fail(Code::unavailable, "{} is not reached", base);
  if (const auto bad = failing.find(base); bad != failing.end()) return std::unexpected(bad->second);
  if (base.starts_with("http://fsp")) {
    calls.push_back(call.method + " " + call.url);
    if (fallback_is_portal) return ok("<html>log in</html>", "text/html");
    if (fallback_status != 200) return Reply{fallback_status, {{"Retry-After", "900"}}, ""};
    fallback.emplace_back(call.headers.front().second, call.body);
    return Reply{200, {{std::string(wire::kFallbackReceiptHeader), hex_lower(crypto::sha256(call.body))}}, ""};
  }
  if (base.starts_with("https://sup") && update_point) {
    calls.push_back(call.method + " " + call.url);
    return update_point(call);
  }
  if (call.method == "CCM_POST") return message(call, base);
  if (call.method == "BITS_POST") return upload(call);
  calls.push_back(call.method + " " + call.url);
  const auto rest = call.url.substr(base.size());
  if (rest.ends_with("SMSTRC")) return ok("<ok/>");
  if (rest.ends_with("SITESIGNCERT")) return ok(wire::encode_site_sign_certificate(signing_certificate_der, root_signature));
  if (rest.find("MPLIST") != std::string::npos) return ok(wire::encode_mp_list(mp_list));
  if (const auto at = rest.find(".sms_pol?"); at != std::string::npos) {
    const auto query = wire::parse_policy_query(rest.substr(at + 9));
    if (!query || !policies.contains(query->id)) return Reply{404, {}, ""};
    const auto& p = policies[query->id];
    if ((p.flags & policy_flag::kSecret) != 0 && call.headers.empty()) return Reply{403, {}, "<HTML>"};
    if (p.sealed) return ok(*crypto::seal(wire::sealed_plain_text(p.xml), client_identity().certificate.der()));
    return ok(wire::policy_body_bytes(p.xml));
  }
  for (auto& [id, content] : contents) {
    if (rest.ends_with("/" + id + ".manifest")) {
      if (troubles[base].gone) return Reply{404, {}, ""};
      return ok(wire::encode_manifest(content.manifest), "application/json");
    }
  }
  return Reply{404, {}, ""};
}

Result<Reply> Site::range(const Call& call, std::int64_t offset, std::int64_t length, const Sink& sink) {
  const auto base = base_of(call.url);
  if (offline.contains(base)) return fail(Code::unavailable, "{} is not reached", base);
  calls.push_back(fmt::format("RANGE {} {}+{}", call.url, offset, length));
  EXPECT_EQ(call.stranger, base == "https://vendor") << "the client's certificate is nobody's business but the site's";
  auto& trouble = troubles[base];
  if (trouble.gone) return fail(Code::not_found, "404");
  for (const auto& [id, content] : contents) {
    for (const auto& [path, bytes] : content.files) {
      if (!call.url.ends_with("/" + id + "/" + path)) continue;
      std::string part = bytes.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
      const auto bad = trouble.corrupt_at - offset;
      if (trouble.corrupt_at >= 0 && bad >= 0 && bad < length) part[static_cast<std::size_t>(bad)] ^= 1;
      bool broken = false;
      if (trouble.cut_after_bytes >= 0 && static_cast<std::int64_t>(part.size()) > trouble.cut_after_bytes) {
        part.resize(static_cast<std::size_t>(trouble.cut_after_bytes));
        trouble.cut_after_bytes = -1;
        broken = true;
      }
      for (std::size_t at = 0; at < part.size(); at += kPieceBytes) {
        const auto piece = std::string_view(part).substr(at, kPieceBytes);
        content_bytes += static_cast<std::int64_t>(piece.size());
        bytes_of[base] += static_cast<std::int64_t>(piece.size());
        if (!sink(piece)) return fail(Code::io, "the sink said stop");
      }
      if (broken) return fail(Code::unavailable, "the connection broke off");
      return Reply{206, {}, ""};
    }
  }
  return fail(Code::not_found, "404");
}

// One destination, one session: enough to see what the agent sends.
Result<Reply> Site::upload(const Call& call) {
  auto headers = call.headers;
  headers.emplace_back("Content-Length", std::to_string(call.body.size()));  // which curl adds
  const auto packet = wire::decode_bits(headers, call.body.size());
  EXPECT_TRUE(packet) << packet.error().reason;
  if (!packet) return Reply{400, {}, ""};
  auto& held = uploads[call.url.substr(call.url.find("%7B"))];
  const std::string session = "99999999-9999-4999-8999-999999999999";
  if (packet->kind == wire::BitsKind::create) {
    held.clear();
    return Reply{200, wire::bits_create_ack(session), ""};
  }
  if (packet->kind != wire::BitsKind::fragment) return Reply{200, wire::bits_ack(session), ""};
  if (sessions_lost) {
    sessions_lost = false;
    return Reply{500, wire::bits_error_ack(wire::bits_unknown_session(), session), ""};
  }
  fragments.push_back(packet->first);
  const auto have = static_cast<std::int64_t>(held.size());
  if (packet->first != have) return Reply{416, wire::bits_fragment_ack(session, have), ""};
  if (upload_room_bytes >= 0 && have >= upload_room_bytes) {
    upload_room_bytes = -1;
    return fail(Code::unavailable, "the connection broke off");
  }
  held += call.body;
  return Reply{200, wire::bits_fragment_ack(session, static_cast<std::int64_t>(held.size())), ""};
}

std::string Site::assignments(const std::string& document) {
  const auto request = wire::decode_assignment_request(document);
  EXPECT_TRUE(request);
  wire::AssignmentReply reply;
  reply.delta = request->since.has_value();
  deltas += reply.delta ? 1 : 0;
  reply.client_id = request->client_id;
  reply.site_code = "LAB";
  reply.resync = resync;
  for (const auto& [id, at] : changed) {
    reply.cookie = std::max(reply.cookie, at);
    if (request->since && at <= *request->since) continue;
    PolicyAssignment a;
    const auto p = policies.find(id);
    a.tombstone = p == policies.end();
    a.policy.id = id;
    if (a.tombstone && !reply.delta) continue;
    if (!a.tombstone) {
      auto bytes = wire::policy_body_bytes(p->second.xml);
      if (p->second.bad_hash) bytes += "x";
      a.policy.version = p->second.version;
      a.policy.category = p->second.category;
      a.policy.flags = p->second.flags;
      a.policy.hash = hex(crypto::sha256(bytes));
      const auto text = wire::assignment_signing_text(id, a.policy.version, a.policy.category, a.policy.flags, a.policy.hash);
      a.policy.signature = *crypto::sign_sha256(signing_key, p->second.bad_signature ? text + "x" : text);
      if (p->second.unsigned_) a.policy.signature.clear();
    }
    reply.assignments.push_back(std::move(a));
  }
  return wire::encode_assignment_reply(reply);
}

namespace {

// The answer to a location request; nothing: an empty one.
std::string locate(Site& site, const std::string& base, std::string_view body) {
  const auto request = wire::decode_location_request(body);
  EXPECT_TRUE(request) << request.error().message;
  if (const auto* where = std::get_if<wire::AssignedSiteRequest>(&*request)) {
    site.looked_for_site.push_back(where->where);
    const auto own = site.assigned_by.find(base);
    return wire::encode_assigned_site(own == site.assigned_by.end() ? site.assigned_site : own->second);
  }
  if (const auto* asked = std::get_if<wire::SiteInformationRequest>(&*request)) {
    return wire::encode_site_information(asked->site_code == "LAB" ? std::vector<wire::SiteInformation>{{"LAB", "5.00.9128.1000", "9128"}}
                                                                   : std::vector<wire::SiteInformation>{});
  }
  if (const auto* points = std::get_if<wire::MpLocationRequest>(&*request)) {
    site.said_where = points->where;
    return wire::encode_mp_locations(site.mp_list, "LAB");
  }
  if (const auto* updates = std::get_if<wire::WsusLocationRequest>(&*request)) {
    site.looked_for_updates.push_back(*updates);
    return wire::encode_wsus_locations(site.update_points);
  }
  const auto* content = std::get_if<wire::ContentLocationRequest>(&*request);
  EXPECT_NE(content, nullptr);
  site.said_where = content->where;
  site.waited_min.push_back(content->waited_min);
  wire::ContentLocationReply reply{"LAB", {}};
  for (const auto& dp : site.dps) reply.locations.push_back({dp + "/SMS_DP_SMSPKG$/" + content->content_id, "", dp.substr(8)});
  return wire::encode_content_locations(reply);
}

}  // namespace

Result<Reply> Site::message(const Call& call, const std::string& base) {
  const auto envelope = wire::decode_envelope(call.headers.front().second, call.body);
  EXPECT_TRUE(envelope) << envelope.error().message;
  const auto& h = envelope->header;
  calls.push_back(fmt::format("CCM_POST {} {}", h.target_endpoint, base));
  const auto documents = wire::open_documents(*envelope);
  EXPECT_TRUE(documents);
  if (h.auth) {
    EXPECT_TRUE(crypto::cm_verify(client_identity().key.public_key(), envelope->payload, h.auth->payload_signature));
    EXPECT_TRUE(wire::decode_freshness(documents->body())->has_value());
  }
  std::string document;
  if (h.endpoint == wire::endpoint::kRegistration) {
    auto request = wire::decode_registration(documents->body());
    EXPECT_TRUE(request) << request.error().message;
    EXPECT_TRUE(crypto::cm_verify(client_identity().key.public_key(), request->signed_bytes, request->signature));
    wire::RegistrationReply reply;
    reply.type = request->type;
    reply.status = registration;
    reply.sent_at = clock.now();
    reply.client_id = "GUID:77777777-7777-4777-8777-777777777777";
    registrations.push_back(*request);
    document = wire::encode_registration_reply(reply);
  } else if (h.endpoint == wire::endpoint::kPolicy) {
    document = assignments(documents->body());
  } else if (h.endpoint == wire::endpoint::kLocation) {
    document = locate(*this, base, documents->body());
  } else if (h.endpoint == "mp_uploadmanager") {
    EXPECT_TRUE(wire::decode_upload_request(documents->body()));
    document = wire::encode_upload_reply({"12121212-1212-4212-8212-121212121212", "mp1"});
  } else {
    std::string body(documents->body());
    if (const auto uploaded = wire::decode_uploaded_body(body); uploaded && *uploaded) {
      const auto& bytes = uploads["%7B" + (*uploaded)->upload_id + "%7D"];
      EXPECT_EQ(hex_lower(crypto::sha256(bytes)), (*uploaded)->sha256);
      const auto plain = wire::inflate_zlib(bytes, 64U << 20);
      EXPECT_TRUE(plain);
      body = *from_utf16le(*plain);
      if (const auto end = body.find('\0'); end != std::string::npos) body.resize(end);
    }
    auto report = wire::decode_report(body);
    EXPECT_TRUE(report) << report.error().message;
    if (refuse_reports) return Reply{200, {}, ""};
    reports.push_back(*report);
    document = wire::encode_receipt();
  }
  return ok(wire::encode_reply(h, document, {"mp1", "88888888-8888-4888-8888-888888888888", clock.now()}),
            std::string(wire::kMultipartType));
}

deployment::Detection FakeMachine::detect(const DeploymentType& type) {
  const bool there = installed.contains(type.id);
  return {there ? deployment::Detected::installed : deployment::Detected::not_installed,
          {{"detection", there ? "it is there" : "it is not there"}}};
}

int FakeMachine::next_code(const std::string& id) {
  auto& codes = exit_codes[id];
  if (codes.empty()) return 0;
  const int code = codes.front();
  codes.erase(codes.begin());
  return code;
}

Result<packages::Execution> FakeMachine::execute(DeploymentAction action, const DeploymentType& type, const Path&) {
  ran.push_back((action == DeploymentAction::install     ? "install "
                 : action == DeploymentAction::uninstall ? "uninstall "
                                                         : "repair ") +
                type.id);
  if (during) during();
  packages::Execution e;
  e.run.exit_code = next_code(type.id);
  const bool worked = e.run.exit_code == 0 || e.run.exit_code == 3010 || e.run.exit_code == 1641;
  if (worked && !forgets && action == DeploymentAction::install) installed.insert(type.id);
  if (worked && action == DeploymentAction::uninstall) installed.erase(type.id);
  e.summary = fmt::format("exit code {}", e.run.exit_code);
  return e;
}

Result<packages::Execution> FakeMachine::run_program(const Program& program, const Path&) {
  ran.push_back("program " + program.name);
  if (during) during();
  packages::Execution e;
  e.run.exit_code = next_code(program.name);
  e.summary = fmt::format("exit code {}", e.run.exit_code);
  return e;
}

Result<packages::Execution> FakeMachine::run_text(packages::TextRun how) {
  ran.push_back("text " + how.text);
  environments.push_back(how.environment);
  if (during) during();
  packages::Execution e;
  e.run.exit_code = next_code(how.text);
  if (const auto said = outputs.find(how.text); said != outputs.end()) e.run.out = said->second;
  e.summary = fmt::format("exit code {}", e.run.exit_code);
  return e;
}

Result<packages::Execution> FakeMachine::install_updates(UpdateSelection selection, std::int64_t) {
  ran.emplace_back(selection == UpdateSelection::security ? "updates security" : "updates all");
  packages::Execution e;
  e.run.exit_code = next_code("updates");
  e.summary = fmt::format("exit code {}", e.run.exit_code);
  return e;
}

sensors::Discovery FakeMachine::discover() {
  sensors::Discovery d;
  d.netbios_name = "PC1";
  d.fqdn = "pc1.lab.test";
  d.addresses = {"192.0.2.7"};
  d.subnets = {"192.0.2.0"};
  d.adapters = {{"wg0", "company", 131}};
  return d;
}

Bench::Bench() {
  EXPECT_TRUE(write_file(dir / "self-signed.pem", client_identity().certificate.pem() + *client_identity().key.to_pem(), 0600));
  settings.site_code = "LAB";
  settings.management_points = {"https://mp1"};
  settings.internet_mp = "mp9";
  open();
}

void Bench::open() {
  memory.reset();
  auto opened = memory::Memory::open(dir / "agent.db");
  EXPECT_TRUE(opened) << opened.error().message;
  memory = std::move(*opened);
}

PassResult Bench::pass(PassOptions options) {
  Agent agent({*memory, machine, clock, random, settings, Paths::below(dir),
               [this](const HttpTransportOptions&) { return std::make_unique<FakeTransport>(site); }, stop, services, directory, {}, published});
  auto result = agent.pass(options);
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or(PassResult{});
}

memory::DeploymentRecord Bench::deployment(const std::string& id) {
  auto record = memory->deployment(id);
  return record && *record ? **record : memory::DeploymentRecord{};
}

std::vector<int> Bench::sent_states(const std::string& topic_id) const {
  std::vector<int> out;
  for (const auto& r : site.reports) {
    for (const auto& s : r.states) {
      if (s.topic_id == topic_id) out.push_back(s.state_id);
    }
  }
  return out;
}

Application application(const std::string& id, const std::string& type_id, const std::string& content_id) {
  Application a;
  a.id = id;
  a.name = "App " + id.substr(0, 4);
  a.version = "1.0";
  DeploymentType t;
  t.id = type_id;
  t.name = "script";
  t.technology = Technology::script;
  t.content_id = content_id;
  t.install_command = "./install.sh";
  t.uninstall_command = "";
  t.detection = {{DetectionKind::file, "", Compare::exists, "", "/opt/app"}};
  a.types = {t};
  return a;
}

DeploymentDocument document(const std::string& id, Application app, std::vector<ContentReference> contents) {
  DeploymentDocument d;
  d.deployment.id = id;
  d.deployment.target_id = app.id;
  d.deployment.collection_id = "SMS00001";
  d.deployment.available_at = {1'700'000'000'000};
  d.application = std::move(app);
  d.contents = std::move(contents);
  return d;
}

}  // namespace fp::agent::fake

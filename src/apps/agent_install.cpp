// farpoint-agent install and uninstall: properties in, checked, configuration written (domain.md §7).
#include <unistd.h>

#include <boost/json.hpp>
#include <iostream>

#include "agent/core/certificate.hpp"
#include "agent/core/enrollment.hpp"
#include "agent/core/fallback.hpp"
#include "agent/core/http_transport.hpp"
#include "agent/core/install_order.hpp"
#include "agent/core/service_location.hpp"
#include "directory/service_records.hpp"
#include "agent/memory/memory.hpp"
#include "agent/sensors/sensors.hpp"
#include "apps/agent_command.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "net/client.hpp"
#include "pki/certificate.hpp"
#include "wire/directory/dns.hpp"

namespace fp::apps {

namespace {

constexpr int kPlaceTimeoutS = 5;
constexpr std::size_t kToldBytesMax = 2000;
constexpr int kStarted = 100, kFailed = 301, kWrongCommand = 307, kNoCertificate = 315, kInstalled = 400;  // topic 800 (domain.md §21.4)

Result<std::int64_t> room_at(const Path& folder, bool whole) {
  Path at = std::filesystem::absolute(folder);
  std::error_code ec;
  while (!std::filesystem::exists(at, ec) && at.has_relative_path()) at = at.parent_path();
  const auto space = std::filesystem::space(at, ec);
  if (ec) return fail(Code::io, "{}: {}", folder.string(), ec.message());
  return static_cast<std::int64_t>(whole ? space.capacity : space.available);
}

// The directory domain that this computer was joined to: it holds a machine key, and its Kerberos names a realm.
std::string joined_domain() {
  if (!file_exists("/etc/krb5.keytab")) return {};
  const auto text = read_file("/etc/krb5.conf", 1U << 20);
  if (!text) return {};
  for (auto line : split(*text, '\n')) {
    line = trim(line);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || !iequals(trim(line.substr(0, equals)), "default_realm")) continue;
    if (auto name = parse_host(trim(line.substr(equals + 1)))) return *name;
  }
  return {};
}

agent::Surroundings surroundings_of(const AgentCommand& c) {
  agent::Surroundings out;
  // What cannot be read is no reason to refuse an installation that writes it anew.
  if (auto held = agent::load_settings(c.paths.config)) out.existing = std::move(*held);
  out.free_bytes = [](const Path& folder) { return room_at(folder, false); };
  out.disk_bytes = [](const Path& folder) { return room_at(folder, true); };
  out.cache = c.paths.cache();
  out.joined_domain = joined_domain();
  return out;
}

std::string name_of(const agent::InstallSettings& s) { return s.computer_name.empty() ? sensors::discover({}).fqdn : lower(s.computer_name); }

Path certificates_of(const agent::InstallSettings& s, const agent::Paths& paths) {
  return s.certificate_dir.empty() ? paths.certificates : Path(s.certificate_dir);
}

Result<agent::ClientCertificate> certificate_here(const agent::InstallSettings& s, const agent::Paths& paths) {
  const auto name = name_of(s);
  return agent::choose_certificate(s, {certificates_of(s, paths), name.substr(0, name.find('.')), system_clock().now()});
}

Result<std::string> enrollment_secret(const agent::InstallOrder& order) {
  constexpr std::size_t kSecretBytesMax = 4096;
  if (order.enrollment_secret_file.empty()) return order.enrollment_secret;
  std::string text;
  if (order.enrollment_secret_file == "-") {
    std::getline(std::cin, text);
  } else {
    FP_TRY(read, read_file(Path(order.enrollment_secret_file), kSecretBytesMax));
    text = read.substr(0, read.find('\n'));
  }
  text = trim(text);
  if (text.empty()) return fail(Code::invalid, "ENROLLMENTTOKENFILE {}: there is no token in its first line", order.enrollment_secret_file);
  return text;
}

// A certificate for a computer that has none that fits.
Status get_certificate(agent::InstallOrder& order, const agent::Paths& paths) {
  auto& s = order.settings;
  if (!order.enroll) return {};
  if (s.use_pki && certificate_here(s, paths)) {
    order.notes.emplace_back("this computer has a certificate that fits already: none was asked for, and no token was used");
    return {};
  }
  FP_TRY(secret, enrollment_secret(order));
  agent::HttpTransportOptions options;
  options.ca_file = s.ca_file;
  options.crl_file = s.crl_file;
  options.resolve = s.resolve;
  FP_TRY(outbound, agent::ways_out(s, {}, agent::environment_of_process));
  options.outbound = std::move(outbound);
  agent::HttpTransport transport(options);
  const auto made = agent::enroll(transport, {s.enrollment_proxy_point, name_of(s), order.enrollment_user, secret,
                                              certificates_of(s, paths) / "enrolled.pem", paths.data / "enrolling.key"});
  if (!made) return std::unexpected(made.error().with_context(fmt::format("enrolling at {}", s.enrollment_proxy_point)));
  order.notes.push_back(fmt::format("enrolled: {} until {}", made->label(), to_iso(made->not_after())));
  return {};
}

// What the certificate is for is in it: a mobile device is an internet-only client, and has a direct connection (the seed, prerequisites).
void fit_to_device(agent::InstallOrder& order, const pki::Certificate& certificate) {
  auto& s = order.settings;
  if (agent::kind_of(certificate) != agent::DeviceKind::mobile) return;
  if (!s.proxy.empty())
    order.problems.push_back(fmt::format("PROXY={}: a mobile device must have a direct internet connection. Leave PROXY out; the certificate "
                                         "that was enrolled is here and is used then, without another token", s.proxy));
  if (s.always_internet) return;
  s.always_internet = true;
  order.notes.emplace_back("enrolled as a mobile device: this client is internet-only (CCMALWAYSINF=1)");
  const auto wrong = agent::check_settings(s);
  order.problems.insert(order.problems.end(), wrong.begin(), wrong.end());
}

// Enrols where that is ordered; then the certificate that the agent will choose decides what kind of client this is.
Status settle_certificate(agent::InstallOrder& order, const agent::Paths& paths) {
  FP_CHECK(get_certificate(order, paths));
  if (!order.settings.use_pki) return {};
  FP_TRY(chosen, certificate_here(order.settings, paths));
  fit_to_device(order, chosen.certificate);
  return {};
}

bool answers(const std::string& base) {
  net::ClientOptions options;
  options.connect_timeout_s = kPlaceTimeoutS;
  options.total_timeout_s = kPlaceTimeoutS;
  const auto reply = net::Client(options).get(base + "/SMS_MP/.sms_aut?SMSTRC");
  // A server whose certificate is not checked yet is there all the same.
  return reply || reply.error().code == Code::unauthenticated;
}

// A computer of no domain, for both places, where nothing of the intranet answers: the seed wants it installed as internet-only.
std::string check_place(const agent::InstallSettings& s) {
  if (s.always_internet || s.internet_mp.empty() || !s.domain.empty()) return {};
  for (const auto& host : s.management_points)
    if (answers(agent::base_url(host, s, false))) return {};
  if (!s.dns_suffix.empty())
    if (const auto found = directory::look_up_services(wire::management_point_record(s.site_code == "AUTO" ? std::string() : s.site_code, s.dns_suffix)); found && !found->empty())
      return {};
  return "this computer belongs to no domain and no intranet management point answers from here: a workgroup computer on the internet "
         "is installed as internet-only. Give CCMALWAYSINF=1 and leave SMSMP and DNSSUFFIX out, or install it on the intranet, or give "
         "DOMAIN= if it does belong to one";
}

// A certificate of the site in PEM or DER; `property` is where its path was given.
Result<pki::Certificate> read_certificate(const std::string& file, std::string_view property) {
  FP_TRY(bytes, read_file(Path(file), 64U << 10));
  auto certificate =
      bytes.find("-----BEGIN") != std::string::npos ? pki::Certificate::from_pem(bytes) : pki::Certificate::from_der(bytes);
  if (!certificate) return std::unexpected(certificate.error().with_context(fmt::format("{} {}", property, file)));
  return certificate;
}

Status copy_site_certificates(const agent::InstallSettings& s, const agent::Paths& paths) {
  if (!s.signing_certificate.empty()) {
    FP_TRY(certificate, read_certificate(s.signing_certificate, "SMSSIGNCERT"));
    FP_CHECK(write_file(paths.signing_certificate(), certificate.pem(), 0600));
  }
  if (s.fallback_certificate.empty()) return {};
  FP_TRY(certificate, read_certificate(s.fallback_certificate, "FSPCERT"));
  return write_file(paths.sealing_certificate(), certificate.pem(), 0600);
}

// The only way to hear of an installation that failed on the internet (domain.md §7.4). Once, and not waited for long.
std::string tell_failure(const agent::InstallSettings& s, int state, const std::string& why) {
  if (s.fallback_status_point.empty()) return {};
  agent::FallbackSender sender;
  sender.site_code = s.site_code == "AUTO" ? "" : s.site_code;
  sender.name = name_of(s);
  if (!s.fallback_certificate.empty())
    if (const auto certificate = read_certificate(s.fallback_certificate, "FSPCERT")) sender.sealing_certificate_der = certificate->der();
  agent::HttpTransportOptions options;
  if (auto outbound = agent::ways_out(s, {}, agent::environment_of_process)) options.outbound = std::move(*outbound);
  options.resolve = s.resolve;
  agent::HttpTransport transport(options);
  memory::FallbackNote note;
  note.topic_type = 800;
  note.state_id = state;
  note.details = why.substr(0, kToldBytesMax);
  while (!is_utf8(note.details)) note.details.pop_back();
  std::int64_t retry_after_s = 0;
  const Status sent = agent::send_fallback(transport, s.fallback_status_point, sender, note, system_clock().now(), retry_after_s);
  return sent ? fmt::format("the fallback status point {} was told", s.fallback_status_point)
              : fmt::format("the fallback status point could not be told: {}", sent.error().message);
}

// Trust and assignment that this installation is told to forget.
Status forget_what_is_reset(const agent::InstallOrder& order, const agent::Paths& paths, memory::Memory& memory) {
  if (order.reset_keys) FP_CHECK(remove_tree(paths.signing_certificate()));
  if (order.reassign || order.settings.site_code != "AUTO") FP_CHECK(memory.set_property(agent::kAssignedSite, ""));
  return {};
}

Status write_all_files(const agent::InstallOrder& order, const agent::Paths& paths) {
  const auto& settings = order.settings;
  FP_CHECK(make_dirs(paths.data, 0700));
  FP_CHECK(make_dirs(paths.run));
  FP_CHECK(make_dirs(paths.log.parent_path()));
  FP_TRY(memory, memory::Memory::open(paths.database()));
  FP_CHECK(forget_what_is_reset(order, paths, *memory));
  FP_CHECK(copy_site_certificates(settings, paths));
  memory::OutboxMessage installed;  // topic 800, 400: deployment of the client succeeded (domain.md §21.4)
  installed.topic_type = 800;
  installed.state_id = 400;
  installed.at = system_clock().now();
  if (!settings.fallback_status_point.empty()) {
    for (const int state : {kStarted, kInstalled}) {
      memory::FallbackNote note;
      note.topic_type = 800;
      note.state_id = state;
      note.key = to_iso_ms(installed.at);
      note.at = installed.at;
      FP_CHECK(memory->note_fallback(note));
    }
  }
  FP_CHECK(memory->queue(std::move(installed)));
  return agent::save_settings(paths.config, settings);
}

// Certificates are the administrator's and stay; so do the logs.
Status remove_client(const agent::Paths& paths) {
  auto settings = agent::load_settings(paths.config);
  std::vector<Path> gone = {paths.config, paths.database(), paths.signing_certificate(), paths.sealing_certificate(), paths.data / "crl.pem",
                            paths.data / "enrolling.key", paths.data / "renewing.key",
                            paths.data / "self-signed.pem", paths.cache(), paths.next_file()};
  for (const char* tail : {"-wal", "-shm"}) gone.emplace_back(paths.database().string() + tail);
  if (settings && !settings->cache_dir.empty()) {
    // A cache folder that was named may hold what is not ours: only our entries go.
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(settings->cache_dir, ec)) {
      const auto name = entry.path().filename().string();
      if (name.starts_with("Content_") || name.ends_with(".partial") || name.ends_with(".manifest")) gone.push_back(entry.path());
    }
  }
  for (const auto& path : gone) FP_CHECK(remove_tree(path));
  return {};
}

}  // namespace

int agent_install(const AgentCommand& c, const std::vector<std::string>& words) {
  namespace json = boost::json;
  const auto around = surroundings_of(c);
  auto order = agent::read_install_order(words, around);
  const bool here = file_exists(c.paths.config);
  if (order.help) {
    std::cout << "farpoint-agent install --help shows the options; docs/agent.md and farpoint-agent(1) list the properties\n";
    return agent_exit::kGood;
  }
  if (order.problems.empty() && order.uninstall) return agent_uninstall(c);
  if (order.problems.empty() && order.only_if_absent && here) {
    if (c.json) std::cout << json::serialize(json::object{{"installed", true}, {"config", c.paths.config.string()}}) << '\n';
    else std::cout << "a client is installed here already; /logon: nothing was changed\n";
    return agent_exit::kGood;
  }
  int failure = kWrongCommand;
  if (order.problems.empty()) {
    failure = kFailed;
    if (auto wrong = check_place(order.settings); !wrong.empty()) order.problems.push_back(std::move(wrong));
  }
  if (order.problems.empty()) {
    failure = kNoCertificate;
    if (auto got = settle_certificate(order, c.paths); !got) order.problems.push_back(got.error().message);
  }
  if (!order.problems.empty()) {
    if (auto told = tell_failure(order.settings, failure, order.problems.front()); !told.empty()) order.problems.push_back(std::move(told));
  }
  const auto list_of = [](const std::vector<std::string>& all) { return json::array(all.begin(), all.end()); };
  if (!order.problems.empty()) {
    if (c.json) {
      std::cout << json::serialize(json::object{{"installed", false}, {"problems", list_of(order.problems)}}) << '\n';
    } else {
      for (const auto& p : order.problems) std::cerr << "farpoint-agent install: " << p << '\n';
      std::cerr << "nothing was changed\n";
    }
    return agent_exit::kUsage;
  }
  if (order.force && here) {
    if (auto gone = remove_client(c.paths); !gone) return agent_complain(c, gone.error());
  }
  if (auto done = write_all_files(order, c.paths); !done) return agent_complain(c, done.error());
  if (c.json) {
    std::cout << json::serialize(json::object{
                     {"installed", true}, {"config", c.paths.config.string()}, {"notes", list_of(order.notes)}})
              << '\n';
  } else {
    for (const auto& n : order.notes) std::cerr << "farpoint-agent install: " << n << '\n';
    std::cout << "installed for site " << order.settings.site_code << "; configuration: " << c.paths.config.string()
              << "\nstart it with: systemctl enable --now farpoint-agent\n";
  }
  return agent_exit::kGood;
}

int agent_uninstall(const AgentCommand& c) {
  if (!file_exists(c.paths.config))
    return agent_complain(c, {Code::not_found, "the agent is not installed here"}, agent_exit::kNotInstalled);
  if (auto done = remove_client(c.paths); !done) return agent_complain(c, done.error());
  if (!c.json) std::cout << "uninstalled\n";
  else std::cout << boost::json::serialize(boost::json::object{{"uninstalled", true}}) << '\n';
  return agent_exit::kGood;
}

}  // namespace fp::apps

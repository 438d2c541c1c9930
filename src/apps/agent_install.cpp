// farpoint-agent install and uninstall: properties in, checked, configuration written (domain.md §7).
#include <unistd.h>

#include <boost/json.hpp>
#include <iostream>

#include "agent/core/certificate.hpp"
#include "agent/memory/memory.hpp"
#include "agent/sensors/sensors.hpp"
#include "apps/agent_command.hpp"
#include "base/text.hpp"

namespace fp::apps {

namespace {

// One word of the command line: NAME=value, /Parameter or /parameter:value.
Status apply_word(agent::InstallSettings& settings, std::string_view word) {
  if (word.starts_with('/')) return agent::apply_parameter(settings, word.substr(1));
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) return fail(Code::invalid, "\"{}\" is neither NAME=value nor /Parameter", word);
  auto done = agent::apply_property(settings, word.substr(0, equals), word.substr(equals + 1));
  if (!done && done.error().code == Code::not_found) {
    // Properties that administrators bring along in their scripts and that mean nothing here.
    for (const char* known :
         {"INSTALL", "SMSCONFIGSOURCE", "CCMADMINS", "CCMEVALINTERVAL", "CCMEVALHOUR", "NOTIFYONLY", "DISABLESITEOPT",
          "DISABLECACHEOPT", "CCMENABLELOGGING", "CCMDEBUGLOGGING", "RESETKEYINFORMATION"}) {
      if (iequals(known, word.substr(0, equals))) {
        std::cerr << "farpoint-agent: " << known << " has no meaning for this agent and is left out\n";
        return {};
      }
    }
  }
  return done;
}

Result<agent::InstallSettings> read_words(const std::vector<std::string>& words, std::vector<std::string>& problems) {
  agent::InstallSettings settings;
  for (const auto& word : words) {
    if (auto done = apply_word(settings, word); !done) problems.push_back(done.error().message);
  }
  for (std::string* path : {&settings.signing_certificate, &settings.ca_file, &settings.crl_file, &settings.certificate_dir,
                            &settings.cache_dir, &settings.source, &settings.package_root}) {
    if (!path->empty()) *path = std::filesystem::absolute(*path).lexically_normal().string();
  }
  for (auto& p : agent::check_settings(settings)) problems.push_back(std::move(p));
  return settings;
}

Status check_certificate(const agent::InstallSettings& s, const agent::Paths& paths) {
  if (!s.use_pki) return {};
  const auto discovery = sensors::discover({});
  const auto name = s.computer_name.empty() ? discovery.fqdn : lower(s.computer_name);
  const Path folder = s.certificate_dir.empty() ? paths.certificates : Path(s.certificate_dir);
  FP_CHECK(agent::choose_certificate(s, {folder, name.substr(0, name.find('.')), system_clock().now()}));
  return {};
}

Status copy_signing_certificate(const agent::InstallSettings& s, const agent::Paths& paths) {
  if (s.signing_certificate.empty()) return {};
  FP_TRY(bytes, read_file(Path(s.signing_certificate), 64U << 10));
  auto certificate =
      bytes.find("-----BEGIN") != std::string::npos ? pki::Certificate::from_pem(bytes) : pki::Certificate::from_der(bytes);
  if (!certificate) return std::unexpected(certificate.error().with_context("SMSSIGNCERT " + s.signing_certificate));
  return write_file(paths.signing_certificate(), certificate->pem(), 0600);
}

Status write_all_files(const agent::InstallSettings& settings, const agent::Paths& paths) {
  FP_CHECK(make_dirs(paths.data, 0700));
  FP_CHECK(make_dirs(paths.run));
  FP_CHECK(make_dirs(paths.log.parent_path()));
  FP_CHECK(copy_signing_certificate(settings, paths));
  FP_TRY(memory, memory::Memory::open(paths.database()));
  memory::OutboxMessage installed;  // topic 800, 400: deployment of the client succeeded (domain.md §21.4)
  installed.topic_type = 800;
  installed.state_id = 400;
  installed.at = system_clock().now();
  FP_CHECK(memory->queue(std::move(installed)));
  return agent::save_settings(paths.config, settings);
}

}  // namespace

int agent_install(const AgentCommand& c, const std::vector<std::string>& words) {
  std::vector<std::string> problems;
  auto settings = read_words(words, problems);
  if (!settings) return agent_complain(c, settings.error(), agent_exit::kUsage);
  if (problems.empty()) {
    if (auto found = check_certificate(*settings, c.paths); !found) problems.push_back(found.error().message);
  }
  if (!problems.empty()) {
    if (c.json) {
      boost::json::array list;
      for (const auto& p : problems) list.emplace_back(p);
      std::cout << boost::json::serialize(boost::json::object{{"installed", false}, {"problems", list}}) << '\n';
    } else {
      for (const auto& p : problems) std::cerr << "farpoint-agent install: " << p << '\n';
      std::cerr << "nothing was changed\n";
    }
    return agent_exit::kUsage;
  }
  if (auto done = write_all_files(*settings, c.paths); !done) return agent_complain(c, done.error());
  if (c.json) {
    std::cout << boost::json::serialize(boost::json::object{{"installed", true}, {"config", c.paths.config.string()}}) << '\n';
  } else {
    std::cout << "installed for site " << settings->site_code << "; configuration: " << c.paths.config.string()
              << "\nstart it with: systemctl enable --now farpoint-agent\n";
  }
  return agent_exit::kGood;
}

// Certificates are the administrator's and stay; so do the logs.
int agent_uninstall(const AgentCommand& c) {
  if (!file_exists(c.paths.config))
    return agent_complain(c, {Code::not_found, "the agent is not installed here"}, agent_exit::kNotInstalled);
  auto settings = agent::load_settings(c.paths.config);
  std::vector<Path> gone = {c.paths.config, c.paths.database(), c.paths.signing_certificate(), c.paths.data / "crl.pem",
                            c.paths.data / "self-signed.pem", c.paths.cache(), c.paths.next_file()};
  for (const char* tail : {"-wal", "-shm"}) gone.emplace_back(c.paths.database().string() + tail);
  if (settings && !settings->cache_dir.empty()) {
    // A cache folder that was named may hold what is not ours: only our entries go.
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(settings->cache_dir, ec)) {
      const auto name = entry.path().filename().string();
      if (name.starts_with("Content_") || name.ends_with(".partial") || name.ends_with(".manifest")) gone.push_back(entry.path());
    }
  }
  for (const auto& path : gone) {
    if (auto done = remove_tree(path); !done) return agent_complain(c, done.error());
  }
  if (!c.json) std::cout << "uninstalled\n";
  else std::cout << boost::json::serialize(boost::json::object{{"uninstalled", true}}) << '\n';
  return agent_exit::kGood;
}

}  // namespace fp::apps

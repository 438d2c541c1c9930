#include "agent/core/install_order.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace fp::agent {

namespace {

constexpr std::string_view kNoDownload = "the agent's files come with its package; installing downloads nothing";
constexpr std::string_view kNoPanel = "there is no control panel on this system";
constexpr std::string_view kNoHealth = "this agent has no separate health evaluation; systemd restarts it when it fails";
constexpr std::string_view kService = "systemd runs the agent: systemctl enable --now farpoint-agent";
constexpr std::string_view kWindows = "it concerns Windows only";
constexpr std::string_view kEntra = "this agent proves itself by a certificate; Entra identities are not known to it";

enum class Answer { note, refuse };
struct Foreign {
  std::string_view name;
  Answer answer;
  std::string_view why;
};

constexpr Foreign kProperties[] = {
    {"INSTALL", Answer::note, "the whole agent is always installed"},
    {"CCMINSTALLDIR", Answer::note, "programs lie where their package puts them; --data or --root chooses the data folder"},
    {"CCMADMINS", Answer::note, "settings and policy are shown to root only"},
    {"CCMEVALINTERVAL", Answer::note, kNoHealth},
    {"CCMEVALHOUR", Answer::note, kNoHealth},
    {"NOTIFYONLY", Answer::note, kNoHealth},
    {"DISABLESITEOPT", Answer::note, kNoPanel},
    {"DISABLECACHEOPT", Answer::note, kNoPanel},
    {"CCMALLOWSILENTREBOOT", Answer::note, "installing the agent asks for no restart; deployments say when they may"},
    {"IGNOREAPPVVERSIONCHECK", Answer::note, kWindows},
    {"MANAGEDINSTALLER", Answer::note, kWindows},
    {"PROVISIONTS", Answer::refuse, "this version runs no task sequences"},
    {"AADTENANTID", Answer::refuse, kEntra},
    {"AADCLIENTAPPID", Answer::refuse, kEntra},
    {"AADRESOURCEURI", Answer::refuse, kEntra},
};

constexpr Foreign kParameters[] = {
    {"RETRY", Answer::note, kNoDownload},
    {"DOWNLOADTIMEOUT", Answer::note, kNoDownload},
    {"BITSPRIORITY", Answer::note, kNoDownload},
    {"ALLOWMETERED", Answer::note, kNoDownload},
    {"UPGRADETOLATEST", Answer::note, kNoDownload},
    {"ALWAYSEXCLUDEUPGRADE", Answer::note, "the package manager decides about upgrades; hold the package there"},
    {"IGNORESKIPUPGRADE", Answer::note, "the package manager decides about upgrades"},
    {"SKIPPREREQ", Answer::note, "the package manager brings what the agent needs"},
    {"EXCLUDEFEATURES", Answer::note, "the agent has no parts that could be left out"},
    {"SERVICE", Answer::note, kService},
    {"NOSERVICE", Answer::note, kService},
    {"FORCEREBOOT", Answer::note, "installing the agent needs no restart"},
    {"REGTOKEN", Answer::refuse, "this version knows no registration tokens; a PKI certificate and /UsePKICert are needed"},
};

// Handled below.
constexpr std::string_view kOwnProperties[] = {"SMSCONFIGSOURCE", "RESETKEYINFORMATION", "SITEREASSIGN", "SMSCACHEFLAGS",
                                               "ENROLLMENTUSER", "ENROLLMENTTOKEN", "ENROLLMENTTOKENFILE"};
constexpr std::string_view kOwnParameters[] = {"USEPKICERT", "NOCRLCHECK", "MP", "SOURCE", "CONFIG", "FORCEINSTALL",
                                               "LOGON", "UNINSTALL", "ENROLL", "?"};
constexpr std::string_view kCacheFlags[] = {"PERCENTDISKSPACE", "PERCENTFREEDISKSPACE", "FAILIFNOSPACE",
                                            "MAXDRIVE", "MAXDRIVESPACE", "NTFSONLY", "COMPRESS"};

class Reader {
 public:
  explicit Reader(InstallOrder& order) : order_(order) {}

  void words(const std::vector<std::string>& all, bool first_wins) {
    for (const auto& word : all) {
      const Status done = word.starts_with('/') ? parameter(word.substr(1)) : property(word, first_wins);
      if (!done) order_.problems.push_back(done.error().message);
    }
  }
  // Files of /config come last: what stands on the command line wins.
  void config_files() {
    for (std::size_t n = 0; n < configs_.size() && n < 16; ++n) {
      if (auto read = config_file(configs_[n]); !read) order_.problems.push_back(read.error().message);
    }
  }

 private:
  Status property(const std::string& word, bool first_wins) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return fail(Code::invalid, "\"{}\" is neither NAME=value nor /Parameter", word);
    const auto name = upper(std::string_view(word).substr(0, equals));
    const std::string_view value = trim(std::string_view(word).substr(equals + 1));
    if (first_wins && order_.named.contains(name)) return {};
    if (name == "SMSCONFIGSOURCE") return config_source(value);
    if (name == "RESETKEYINFORMATION") return yes_or_no(name, value, order_.reset_keys);
    if (name == "SITEREASSIGN") return yes_or_no(name, value, order_.reassign);
    if (name == "SMSCACHEFLAGS") return cache_flags(value);
    if (name.starts_with("ENROLLMENT") && name != "ENROLLMENTPROXYPOINT") return enrollment(name, value);
    for (const auto& f : kProperties) {
      if (f.name == name) return foreign(f, name, value);
    }
    const bool list = name == "SMSMP" || name == "SMSMPLIST";
    if (list && !mps_named_) {
      order_.settings.management_points.clear();
      mps_named_ = true;
    }
    auto done = apply_property(order_.settings, name, value);
    if (done) order_.named.insert(name);
    return done;
  }

  Status parameter(std::string_view word) {
    const auto colon = word.find(':');
    const auto name = upper(word.substr(0, colon));
    const bool alone = colon == std::string_view::npos;
    const auto value = alone ? std::string_view{} : word.substr(colon + 1);
    for (const auto& f : kParameters) {
      if (f.name == name) return check_foreign_parameter(f, name, value);
    }
    const bool wants_value = name == "MP" || name == "SOURCE" || name == "CONFIG";
    if (wants_value && value.empty()) return fail(Code::invalid, "/{0} needs a value: /{0}:...", lower(name));
    if (!wants_value && !alone) return fail(Code::invalid, "/{} takes no value", word.substr(0, colon));
    if (name == "USEPKICERT") return set(name, order_.settings.use_pki, true);
    if (name == "NOCRLCHECK") return set(name, order_.settings.check_crl, false);
    if (name == "FORCEINSTALL") return set(name, order_.force, true);
    if (name == "LOGON") return set(name, order_.only_if_absent, true);
    if (name == "UNINSTALL") return set(name, order_.uninstall, true);
    if (name == "ENROLL") return set(name, order_.enroll, true);
    if (name == "?") return set(name, order_.help, true);
    if (name == "MP") return property(fmt::format("SMSMPLIST={}", value), false);
    if (name == "SOURCE") order_.sources.emplace_back(value);
    else if (name == "CONFIG") configs_.emplace_back(value);
    else return fail(Code::invalid, "no parameter is called \"/{}\"", word);
    return {};
  }

  Status set(const std::string& name, bool& target, bool value) {
    target = value;
    order_.named.insert(name);
    return {};
  }

  Status yes_or_no(std::string_view name, std::string_view value, bool& out) {
    if (value == "1" || iequals(value, "true")) out = true;
    else if (value == "0" || iequals(value, "false")) out = false;
    else return fail(Code::invalid, "{}: \"{}\" is neither TRUE nor FALSE", name, value);
    return {};
  }

  Status enrollment(const std::string& name, std::string_view value) {
    if (name == "ENROLLMENTUSER") order_.enrollment_user = value;
    else if (name == "ENROLLMENTTOKEN") order_.enrollment_secret = value;
    else if (name == "ENROLLMENTTOKENFILE") order_.enrollment_secret_file = value;
    else return fail(Code::not_found, "no property is called \"{}\"", name);
    order_.enroll = true;
    order_.named.insert(name);
    return {};
  }

  Status config_source(std::string_view value) {
    const auto letters = upper(value);
    if (letters.empty() || letters.find_first_not_of("RPMU") != std::string::npos) {
      return fail(Code::invalid, "SMSCONFIGSOURCE: \"{}\" holds other letters than R, P, M and U", value);
    }
    if (letters.find('P') == std::string::npos) {
      return fail(Code::invalid, "SMSCONFIGSOURCE without P would not read this command line");
    }
    if (letters.find_first_of("RM") != std::string::npos) {
      order_.notes.emplace_back("SMSCONFIGSOURCE: R and M have no meaning here: there is neither a registry nor an older client");
    }
    order_.keep_existing = letters.find('U') != std::string::npos;
    return {};
  }

  Status cache_flags(std::string_view value) {
    std::string text(value);
    std::ranges::replace(text, '|', ';');
    for (const auto part : split(text, ';')) {
      const auto flag = upper(trim(part));
      if (flag.empty()) continue;
      const auto* const at = std::ranges::find(kCacheFlags, flag);
      if (at == std::end(kCacheFlags)) return fail(Code::invalid, "SMSCACHEFLAGS: no flag is called \"{}\"", trim(part));
      if (at - std::begin(kCacheFlags) < 3) order_.cache_flags.insert(flag);
      else order_.notes.push_back(fmt::format("SMSCACHEFLAGS={} is left out: {}", flag, why_no_flag(flag)));
    }
    if (order_.cache_flags.contains("PERCENTDISKSPACE") && order_.cache_flags.contains("PERCENTFREEDISKSPACE")) {
      return fail(Code::invalid, "SMSCACHEFLAGS: PERCENTDISKSPACE cannot be combined with PERCENTFREEDISKSPACE: "
                                 "SMSCACHESIZE is a part of one of them");
    }
    return {};
  }

  static std::string_view why_no_flag(std::string_view flag) {
    if (flag.starts_with("MAXDRIVE")) return "there are no drives here; SMSCACHEDIR chooses the disk";
    return "the file system of the cache decides that";
  }

  Status foreign(const Foreign& f, std::string_view name, std::string_view value) {
    if (f.answer == Answer::refuse) return fail(Code::invalid, "{} is refused: {}", name, f.why);
    order_.notes.push_back(fmt::format("{}{}{} is left out: {}", name, value.empty() ? "" : "=", value, f.why));
    return {};
  }

  Status check_foreign_parameter(const Foreign& f, const std::string& name, std::string_view value) {
    const bool minutes = name == "RETRY" || name == "DOWNLOADTIMEOUT";
    if (minutes && !parse_int(value)) return fail(Code::invalid, "/{}: \"{}\" is not a number of minutes", lower(name), value);
    if (name == "BITSPRIORITY" && !iequals(value, "FOREGROUND") && !iequals(value, "HIGH") && !iequals(value, "NORMAL") &&
        !iequals(value, "LOW")) {
      return fail(Code::invalid, "/BITSPriority: \"{}\" is none of FOREGROUND, HIGH, NORMAL, LOW", value);
    }
    if (f.answer == Answer::refuse) return fail(Code::invalid, "/{} is refused: {}", lower(name), f.why);
    order_.notes.push_back(fmt::format("/{} is left out: {}", lower(name), f.why));
    return {};
  }

  // [Client Install] with a line Install=NAME=value NAME="a value" ... (domain.md §7.1).
  Status config_file(const Path& file) {
    FP_TRY(content, read_file(file, 64U << 10));
    bool inside = false;
    std::vector<std::string> found;
    for (const auto raw : split(content, '\n')) {
      const auto line = trim(raw);
      if (line.starts_with('[')) inside = iequals(line, "[Client Install]");
      else if (inside && istarts_with(line, "Install=")) FP_CHECK(split_words(line.substr(8), found));
    }
    if (found.empty()) return fail(Code::invalid, "/config: {} has no [Client Install] with a line Install=", file.string());
    words(found, true);
    return {};
  }

  static Status split_words(std::string_view text, std::vector<std::string>& out) {
    std::string word;
    bool quoted = false;
    for (const char c : text) {
      if (c == '"') quoted = !quoted;
      else if (!quoted && (c == ' ' || c == '\t')) {
        if (!word.empty()) out.push_back(std::exchange(word, {}));
      } else {
        word += c;
      }
    }
    if (quoted) return fail(Code::invalid, "/config: a quotation mark is not closed");
    if (!word.empty()) out.push_back(std::move(word));
    return {};
  }

  InstallOrder& order_;
  std::vector<Path> configs_;
  bool mps_named_ = false;
};

// What the folder of installation media holds and the command line does not name.
void use_sources(InstallOrder& order) {
  bool signing = order.named.contains("SMSSIGNCERT"), roots = order.named.contains("CAFILE");
  for (const auto& source : order.sources) {
    std::error_code ec;
    if (!std::filesystem::is_directory(source, ec)) {
      order.problems.push_back(fmt::format("/source: there is no folder {}", source.string()));
      continue;
    }
    const auto take = [&](bool& have, const char* file, std::string& target, const char* name) {
      const auto path = std::filesystem::absolute(source / file).lexically_normal();
      if (have || !file_exists(path)) return;
      have = true;
      target = path.string();
      order.notes.push_back(fmt::format("{} taken from /source: {}", name, target));
    };
    take(signing, "site-signing.pem", order.settings.signing_certificate, "SMSSIGNCERT");
    take(roots, "ca.pem", order.settings.ca_file, "--ca-file");
  }
}

void size_cache(InstallOrder& order, const Surroundings& around) {
  auto& s = order.settings;
  const bool upgrade = around.existing.has_value();
  if (upgrade && !order.cache_flags.empty()) {
    order.notes.emplace_back("SMSCACHEFLAGS is left out: it counts for the first installation only");
    order.cache_flags.clear();
  }
  const Path folder = s.cache_dir.empty() ? around.cache : Path(s.cache_dir);
  const bool of_disk = order.cache_flags.contains("PERCENTDISKSPACE");
  if (of_disk || order.cache_flags.contains("PERCENTFREEDISKSPACE")) {
    if (!order.named.contains("SMSCACHESIZE") || s.cache_mb > 100) {
      order.problems.emplace_back("SMSCACHEFLAGS with a percentage needs SMSCACHESIZE from 1 to 100");
      return;
    }
    auto whole = of_disk ? around.disk_bytes(folder) : around.free_bytes(folder);
    if (!whole) {
      order.problems.push_back(whole.error().message);
      return;
    }
    const auto percent = s.cache_mb;
    s.cache_mb = std::max<std::int64_t>(1, *whole / 100 * percent >> 20);
    order.notes.push_back(fmt::format("SMSCACHESIZE: {} % of the disk is {} MB", percent, s.cache_mb));
  }
  if (upgrade && s.cache_mb < around.existing->cache_mb) {
    order.notes.push_back(fmt::format("SMSCACHESIZE stays {} MB: installing again does not make the cache smaller",
                                      around.existing->cache_mb));
    s.cache_mb = around.existing->cache_mb;
  }
  if (!order.cache_flags.contains("FAILIFNOSPACE")) return;
  if (auto room = around.free_bytes(folder); room && *room >> 20 < s.cache_mb) {
    order.problems.push_back(fmt::format("SMSCACHEFLAGS=FAILIFNOSPACE: {} has {} MB, the cache wants {}", folder.string(),
                                         *room >> 20, s.cache_mb));
  }
}

void settle_site(InstallOrder& order, const Surroundings& around) {
  auto& s = order.settings;
  const std::string before = around.existing ? around.existing->site_code : std::string();
  const bool was_assigned = !before.empty() && before != "AUTO";
  if (order.reassign && s.site_code != "AUTO") {
    order.problems.emplace_back("SITEREASSIGN=TRUE needs SMSSITECODE=AUTO: with a site code there is nothing to look for");
  }
  if (s.site_code == "AUTO" && was_assigned && !order.reassign && order.keep_existing) {
    order.notes.push_back(fmt::format("the client stays assigned to {}: SITEREASSIGN=TRUE lets it look for its site", before));
    s.site_code = before;
  }
}

// The seed: internet-only or not is decided at installation, and changed by another one.
void keep_mode(InstallOrder& order, const Surroundings& around) {
  if (!around.existing || around.existing->always_internet == order.settings.always_internet) return;
  order.problems.push_back(fmt::format(
      "this client was installed {}: that is settled at installation. Install it again with --reinstall (SMSCONFIGSOURCE=P) and all "
      "its properties; its identity is kept",
      around.existing->always_internet ? "as internet-only" : "for the intranet and the internet"));
}

// What asking for a certificate needs, before anything is asked.
void check_enrollment(InstallOrder& order) {
  if (!order.enroll) return;
  auto& s = order.settings;
  s.use_pki = true;
  const bool file = !order.enrollment_secret_file.empty(), word = !order.enrollment_secret.empty();
  if (s.enrollment_proxy_point.empty()) order.problems.emplace_back("/Enroll needs ENROLLMENTPROXYPOINT: the host[:port] that is asked for a certificate");
  if (file == word) order.problems.emplace_back("/Enroll needs one of ENROLLMENTTOKENFILE (\"-\": standard input) and ENROLLMENTTOKEN");
  if (word) order.notes.emplace_back("ENROLLMENTTOKEN stood on a command line, which other users of this computer can read: ENROLLMENTTOKENFILE keeps it out");
}

}  // namespace

InstallOrder read_install_order(const std::vector<std::string>& words, const Surroundings& around) {
  InstallOrder order;
  bool fresh = !around.existing.has_value();
  for (const auto& word : words) {
    fresh = fresh || iequals(word, "/forceinstall");
    if (istarts_with(word, "SMSCONFIGSOURCE=")) fresh = fresh || upper(word.substr(16)).find('U') == std::string::npos;
  }
  Surroundings from = around;
  if (fresh) from.existing.reset();
  if (from.existing) {
    order.settings = *from.existing;
    // It was copied when it was given, and may be gone.
    order.settings.signing_certificate.clear();
  }
  Reader reader(order);
  reader.words(words, false);
  reader.config_files();
  if (order.help || order.uninstall) return order;
  auto& s = order.settings;
  use_sources(order);
  for (std::string* path : {&s.signing_certificate, &s.ca_file, &s.crl_file, &s.certificate_dir, &s.cache_dir, &s.package_root}) {
    if (!path->empty()) *path = std::filesystem::absolute(*path).lexically_normal().string();
  }
  check_enrollment(order);
  keep_mode(order, from);
  settle_site(order, from);
  size_cache(order, from);
  if (s.domain.empty() && !s.always_internet && !from.joined_domain.empty()) {
    s.domain = from.joined_domain;
    order.notes.push_back(fmt::format("domain {}: found in /etc/krb5.conf", s.domain));
  }
  const auto wrong = check_settings(s);
  order.problems.insert(order.problems.end(), wrong.begin(), wrong.end());
  if (from.existing && !wrong.empty()) {
    order.problems.emplace_back("(what the command line does not name was kept from before; --reinstall starts afresh)");
  } else if (from.existing) {
    order.notes.emplace_back("installed here before: properties that were not named are kept; --reinstall starts afresh");
  }
  return order;
}

std::vector<std::string> known_install_names() {
  std::vector<std::string> out;
  for (const auto& f : kProperties) out.emplace_back(f.name);
  for (const auto& f : kParameters) out.emplace_back(f.name);
  for (const auto name : kOwnProperties) out.emplace_back(name);
  for (const auto name : kOwnParameters) out.emplace_back(name);
  for (const auto& name : property_names()) out.push_back(name);
  std::ranges::sort(out);
  return out;
}

}  // namespace fp::agent

// LINUX_PACKAGE: installed packages, from dpkg's status file, or from rpm -qa where there is no dpkg.
#include <algorithm>

#include "agent/sensors/reading.hpp"
#include "base/text.hpp"

namespace fp::sensors {
namespace {

// A name that may stand in a key and in a fact.
bool plausible(std::string_view name) { return !name.empty() && name.size() <= 200 && name.find_first_of(" \t\r") == name.npos; }

void set_field(InstalledPackage& package, std::string_view name, std::string_view value) {
  if (iequals(name, "Package")) package.name = value;
  else if (iequals(name, "Version")) package.version = value;
  else if (iequals(name, "Architecture")) package.architecture = value;
  else if (iequals(name, "Maintainer")) package.maintainer = value;
  else if (iequals(name, "Section")) package.section = value;
  else if (iequals(name, "Status")) package.status = value;
  else if (iequals(name, "Installed-Size")) package.installed_kb = parse_int(value).value_or(0);
}

}  // namespace

std::vector<InstalledPackage> parse_dpkg_status(std::string_view text) {
  std::vector<InstalledPackage> out;
  InstalledPackage now;
  const auto finish = [&] {
    // "install ok installed": wanted, error, state. Only the last word says whether the files are there and configured.
    if (plausible(now.name) && !now.version.empty() && now.status.ends_with(" installed")) out.push_back(std::move(now));
    now = {};
  };
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trim(line).empty()) {
      finish();
    } else if (line[0] != ' ' && line[0] != '\t') {
      if (const auto colon = line.find(':'); colon != line.npos)
        set_field(now, line.substr(0, colon), trim(line.substr(colon + 1)));
    }
  }
  finish();
  return out;
}

std::vector<InstalledPackage> parse_rpm_list(std::string_view text) {
  std::vector<InstalledPackage> out;
  for (const auto line : split(text, '\n')) {
    auto f = split(line, '\t');
    if (f.size() < 6 || !plausible(f[0]) || f[0] == "gpg-pubkey") continue;
    if (f[1].starts_with("0:")) f[1].remove_prefix(2);
    const auto known = [](std::string_view value) { return value == "(none)" ? std::string() : std::string(value); };
    out.push_back({std::string(f[0]), std::string(f[1]), known(f[2]), known(f[3]), known(f[4]), "installed",
                   parse_int(f[5]).value_or(0) / 1024});
  }
  return out;
}

Result<PackageList> installed_packages(const Source& source) {
  if (const auto status = text_of(source, "/var/lib/dpkg/status")) return PackageList{"dpkg", parse_dpkg_status(*status)};
  const bool has_rpm = !names_in(source, "/var/lib/rpm").empty() || !names_in(source, "/usr/lib/sysimage/rpm").empty();
  if (!has_rpm || !source.run) return PackageList{};
  FP_TRY(text, source.run({"rpm", "-qa", "--qf", kRpmFormat}));
  return PackageList{"rpm", parse_rpm_list(text)};
}

Result<PackagesOnDevice> dpkg_packages(const Source& source) {
  FP_TRY(list, installed_packages(source));
  if (list.manager != "dpkg") return fail(Code::not_found, "there is no dpkg on this computer");
  PackagesOnDevice out;
  for (auto& p : list.packages) {
    if (p.name == "dpkg") out.architecture = p.architecture;
    out.packages.push_back({std::move(p.name), std::move(p.architecture), std::move(p.version)});
  }
  return out;
}

Result<Instances> read_packages(const Source& source) {
  FP_TRY(list, installed_packages(source));
  Instances out;
  for (const auto& p : list.packages) {
    // Several versions of one package are usual with rpm (kernels); with dpkg one for each architecture.
    const std::string version = list.manager == "rpm" ? "=" + p.version : "";
    out.push_back(instance("LINUX_PACKAGE", fmt::format("{}:{}{}", p.name, p.architecture, version),
                           {{"Name", p.name},
                            {"Version", p.version},
                            {"Architecture", p.architecture},
                            {"Publisher", p.maintainer},
                            {"Section", p.section},
                            {"SizeKB", p.installed_kb > 0 ? std::to_string(p.installed_kb) : ""},
                            {"Format", list.manager}}));
  }
  return out;
}

}  // namespace fp::sensors

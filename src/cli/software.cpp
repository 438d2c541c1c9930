// farpoint app ..., farpoint package ...: from a file on this machine to an application on the distribution
// points in one command.
#include <sys/wait.h>

#include <array>
#include <cstdio>

#include "cli/session.hpp"
#include "base/text.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string id, name, version, publisher, target_folder, vendor_url, install, uninstall, repair, detect_file,
      detect_script, program, command;
  Path file, deb, rpm, script, files, source;
  std::int64_t max_run_time_min = 120;
  bool no_wait = false;
};

// One word of a shell's command line.
std::string shell_word(std::string_view part) {
  std::string out = "'";
  for (const char c : part) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// A field of a package file, by the distribution's own tool.
Result<std::string> ask_tool(const std::vector<std::string>& command) {
  std::string line;
  for (const auto& part : command) line += shell_word(part) + " ";
  std::FILE* pipe = ::popen((line + "2>/dev/null").c_str(), "r");
  if (!pipe) return fail_errno("starting", command[0]);
  std::string out;
  std::array<char, 4096> buffer{};
  while (const auto n = std::fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  if (status != 0)
    return fail(Code::invalid, "{} cannot read it (is it a package file, and is {} installed?)", command[0],
                command[0]);
  return std::string(trim(out));
}

// What each kind of source becomes: technology, commands, detection.
Result<json::object> type_of(Options& o, std::vector<Path>& files, Path& root) {
  json::object type{{"name", "Install"}, {"max_run_time_min", o.max_run_time_min}};
  json::array detection;
  const auto package_version = [&](const std::string& package, const std::string& version) {
    detection.push_back(json::object{{"kind", "package_version"}, {"package", package}, {"op", "ge"}, {"version", version}});
    if (o.version.empty()) o.version = version;
    if (o.name.empty()) o.name = package;
  };
  if (!o.deb.empty()) {
    FP_TRY(package, ask_tool({"dpkg-deb", "-f", o.deb.native(), "Package"}));
    FP_TRY(version, ask_tool({"dpkg-deb", "-f", o.deb.native(), "Version"}));
    package_version(package, version);
    type["technology"] = "deb";
    files = {o.deb};
    root = std::filesystem::absolute(o.deb).parent_path();
  } else if (!o.rpm.empty()) {
    FP_TRY(package, ask_tool({"rpm", "-qp", "--qf", "%{NAME}", o.rpm.native()}));
    FP_TRY(version, ask_tool({"rpm", "-qp", "--qf", "%{VERSION}-%{RELEASE}", o.rpm.native()}));
    package_version(package, version);
    type["technology"] = "rpm";
    files = {o.rpm};
    root = std::filesystem::absolute(o.rpm).parent_path();
  } else if (!o.script.empty()) {
    type["technology"] = "script";
    type["install_command"] = o.install.empty() ? "sh " + shell_word("./" + o.script.filename().native()) : o.install;
    files = {o.script};
    root = std::filesystem::absolute(o.script).parent_path();
  } else if (!o.files.empty()) {
    type["technology"] = "fileset";
    type["target_folder"] = o.target_folder;
    if (o.target_folder.empty()) return fail(Code::invalid, "--files needs --target-folder: where the files go on the device");
    root = o.files;
  } else {
    return fail(Code::invalid, "name what to install: --deb, --rpm, --script, --files, or a whole definition with --file");
  }
  if (!o.install.empty()) type["install_command"] = o.install;
  if (!o.uninstall.empty()) type["uninstall_command"] = o.uninstall;
  if (!o.repair.empty()) type["repair_command"] = o.repair;
  if (!o.vendor_url.empty()) type["vendor_url"] = o.vendor_url;
  if (!o.detect_file.empty()) detection.push_back(json::object{{"kind", "file"}, {"op", "exists"}, {"path", o.detect_file}});
  if (!o.detect_script.empty()) detection.push_back(json::object{{"kind", "script"}, {"script", o.detect_script}});
  if (detection.empty())
    return fail(Code::invalid, "say how to tell that it is installed: --detect-file PATH or --detect-script TEXT");
  type["detection"] = std::move(detection);
  return type;
}

Result<std::string> add_content(Cli& cli, const std::vector<Path>& files, const Path& root, json::object owner, bool no_wait) {
  FP_TRY(content, make_content(cli, files, root, std::move(owner)));
  std::string id = field(content, "content_id");
  FP_TRY(ordered, cli.send("POST", "/content/" + encode(id) + "/distribute"));
  if (!no_wait) FP_CHECK(wait_for_distribution(cli, id));
  return id;
}

Status create_application(Cli& cli, Options& o) {
  json::value body;
  if (!o.file.empty()) {
    FP_TRY(read, read_json(o.file));
    body = read;
  } else {
    std::vector<Path> files;
    Path root;
    FP_TRY(type, type_of(o, files, root));
    if (o.name.empty()) return fail(Code::invalid, "--name is needed");
    const auto known = cli.get("/applications/" + encode(o.name));  // before anything is uploaded
    if (known) return fail(Code::conflict, "there is an application {} already ({})", o.name, field(*known, "id"));
    if (known.error().code != Code::not_found) return std::unexpected(known.error());
    FP_TRY(content_id, add_content(cli, files, root, {}, o.no_wait));
    type["content_id"] = content_id;
    body = json::object{{"name", o.name}, {"version", o.version}, {"publisher", o.publisher}, {"types", json::array{type}}};
  }
  FP_TRY(made, cli.send("POST", "/applications", body));
  if (cli.as_json) cli.show_object(made);
  else cli.say(fmt::format("application {} {} ({})", field(made, "name"), field(made, "version"), field(made, "id")));
  return {};
}

Status create_package(Cli& cli, Options& o) {
  json::object body{{"name", o.name}, {"version", o.version}, {"manufacturer", o.publisher}};
  if (!o.program.empty())
    body["programs"] = json::array{json::object{
        {"name", o.program}, {"command_line", o.command}, {"max_run_time_min", o.max_run_time_min}}};
  FP_TRY(made, cli.send("POST", "/packages", body));
  const std::string id = field(made, "id");
  if (!o.source.empty()) {
    FP_TRY(content_id, add_content(cli, {}, o.source, json::object{{"package", id}}, o.no_wait));
    cli.say("content " + content_id);
  }
  FP_TRY(now, cli.get("/packages/" + id));
  if (cli.as_json) cli.show_object(now);
  else cli.say(fmt::format("package {} ({})", o.name, id));
  return {};
}

void add_show_and_delete(CLI::App& parent, Cli& cli, Options& o, const std::string& kind) {
  auto* show = parent.add_subcommand("show", "the whole definition");
  show->add_option("id", o.id, "name or id")->required();
  show->callback([&cli, &o, kind] {
    cli.run([&]() -> Status {
      FP_TRY(found, cli.get(fmt::format("/{}/{}", kind, encode(o.id))));
      cli.show_object(found);
      return {};
    });
  });
  auto* update = parent.add_subcommand("update", "replace the definition by a file (as `show --json` prints it)");
  update->add_option("id", o.id, "name or id")->required();
  update->add_option("--file", o.file, "JSON")->required();
  update->callback([&cli, &o, kind] {
    cli.run([&]() -> Status {
      FP_TRY(body, read_json(o.file));
      FP_TRY(changed, cli.send("PUT", fmt::format("/{}/{}", kind, encode(o.id)), body));
      cli.show_object(changed);
      return {};
    });
  });
  auto* remove = parent.add_subcommand("delete", "remove it where nothing uses it");
  remove->add_option("id", o.id, "name or id")->required();
  remove->callback([&cli, &o, kind] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", fmt::format("/{}/{}", kind, encode(o.id))));
      cli.say(o.id + ": deleted");
      return {};
    });
  });
}

void add_create_application(CLI::App& app, Cli& cli, Options& o) {
  auto* c = app.add_subcommand("create", "make an application, upload its content and distribute it");
  c->add_option("--name", o.name, "default: the package's name");
  c->add_option("--version", o.version, "default: the package's version");
  c->add_option("--publisher", o.publisher, "who made it");
  c->add_option("--deb", o.deb, "a Debian package")->check(CLI::ExistingFile);
  c->add_option("--rpm", o.rpm, "an RPM package")->check(CLI::ExistingFile);
  c->add_option("--script", o.script, "a script that installs")->check(CLI::ExistingFile);
  c->add_option("--files", o.files, "a folder whose files are put in place")->check(CLI::ExistingDirectory);
  c->add_option("--target-folder", o.target_folder, "where --files go on the device");
  c->add_option("--install", o.install, "install command instead of the technology's own");
  c->add_option("--uninstall", o.uninstall, "uninstall command");
  c->add_option("--repair", o.repair, "repair command");
  c->add_option("--vendor-url", o.vendor_url, "where the vendor has these files: clients on the internet ask there first");
  c->add_option("--detect-file", o.detect_file, "installed if this file exists");
  c->add_option("--detect-script", o.detect_script, "installed if this script prints something and ends with 0");
  c->add_option("--max-run-time", o.max_run_time_min, "minutes")->capture_default_str();
  c->add_option("--file", o.file, "a whole definition as JSON (docs/administration.md)")->check(CLI::ExistingFile);
  c->add_flag("--no-wait", o.no_wait, "do not wait for the distribution points");
  c->callback([&cli, &o] { cli.run([&] { return create_application(cli, o); }); });
}

}  // namespace

void add_software_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* application = app.add_subcommand("app", "applications and their deployment types");
  application->require_subcommand(1);
  application->add_subcommand("list", "all applications")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/applications"));
      cli.show_rows(rows, {{"NAME", "name"},
                           {"VERSION", "version"},
                           {"PUBLISHER", "publisher"},
                           {"REVISION", "revision"},
                           {"ID", "id"}});
      return {};
    });
  });
  add_create_application(*application, cli, o);
  add_show_and_delete(*application, cli, o, "applications");
  auto* package = app.add_subcommand("package", "packages and their programs");
  package->require_subcommand(1);
  package->add_subcommand("list", "all packages")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/packages"));
      cli.show_rows(rows, {{"ID", "id"}, {"NAME", "name"}, {"VERSION", "version"}, {"CONTENT", "content_version"}});
      return {};
    });
  });
  auto* create = package->add_subcommand("create", "make a package, with content and a program");
  create->add_option("--name", o.name, "unlike any other package's")->required();
  create->add_option("--version", o.version, "for people; content versions are counted by the site");
  create->add_option("--manufacturer", o.publisher, "who made it");
  create->add_option("--source", o.source, "folder with the content")->check(CLI::ExistingDirectory);
  auto* program = create->add_option("--program", o.program, "name of a program");
  create->add_option("--command", o.command, "its command line")->needs(program);
  create->add_option("--max-run-time", o.max_run_time_min, "minutes; 0: unknown")->capture_default_str();
  create->add_flag("--no-wait", o.no_wait, "do not wait for the distribution points");
  create->callback([&cli] { cli.run([&] { return create_package(cli, o); }); });
  add_show_and_delete(*package, cli, o, "packages");
}

}  // namespace fp::cli

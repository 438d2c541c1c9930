// farpoint content ..., farpoint dp ...; and the upload that applications and packages share.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <map>
#include <thread>

#include "cli/session.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::cli {
namespace {

constexpr std::size_t kPieceBytes = 8U << 20;
constexpr int kTriesMax = 5;
constexpr auto kRetryAfter = std::chrono::seconds(1);
constexpr auto kPollEvery = std::chrono::milliseconds(300);
constexpr int kLooksMax = 20;  // at places that only wait

struct Options {
  std::string id, name, package, intranet_url, internet_url, push_url, connections;
  std::vector<std::string> dps, sources;
  Path source;
  bool pull = false, no_wait = false, over_link = false;
  int maintenance = 0;  // below 0: off, above: on
};

void progress(std::string_view what, std::int64_t done, std::int64_t total) {
  if (!Cli::on_terminal()) return;
  const int percent = total > 0 ? static_cast<int>(done * 100 / total) : 100;
  std::cerr << fmt::format("\r{:<40} [{:<25}] {:3} %", what.substr(0, 40),
                           std::string(static_cast<std::size_t>(percent / 4), '#'), percent)
            << (done >= total ? "\n" : "") << std::flush;
}

// A connection that broke is taken up where the site says that the file ends; returns where the next piece begins.
Result<std::int64_t> send_piece(Cli& cli, const std::string& path, std::int64_t offset, const std::string& mode,
                                const std::string& piece) {
  const std::int64_t end = offset + static_cast<std::int64_t>(piece.size());
  for (int tries = 0;; ++tries) {
    const auto sent = cli.send_bytes("PUT", fmt::format("{}?offset={}{}", path, offset, mode), piece);
    if (sent) return end;
    const Code code = sent.error().code;
    if (tries == kTriesMax || (code != Code::unavailable && code != Code::timed_out && code != Code::io))
      return std::unexpected(sent.error());
    std::this_thread::sleep_for(kRetryAfter);
    if (const auto there = cli.get(path)) {
      const std::int64_t size = there->as_object().at("size").to_number<std::int64_t>();
      if (size != offset) return size;
    }
  }
}

Status upload_file(Cli& cli, const std::string& staging, const Path& file, const std::string& relative, std::int64_t source_bytes) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat st{};
  if (!fd.ok() || ::fstat(fd.get(), &st) != 0) return fail_errno("reading", file.native());
  const std::int64_t total = st.st_size;
  const std::string path = fmt::format("/content/staging/{}/{}", staging, percent_encode_path(relative));
  const std::string mode = fmt::format("&total={}{}", source_bytes, (st.st_mode & 0111) != 0 ? "&executable=true" : "");
  std::int64_t offset = 0;
  do {
    std::string piece(static_cast<std::size_t>(std::min<std::int64_t>(kPieceBytes, total - offset)), '\0');
    const ssize_t n = ::pread(fd.get(), piece.data(), piece.size(), offset);
    if (n != static_cast<ssize_t>(piece.size())) return fail(Code::conflict, "{} changed while it was read", file.native());
    FP_TRY(there, send_piece(cli, path, offset, mode, piece));
    offset = there;
    progress(relative, offset, total);
  } while (offset < total);
  return {};
}

Status show_distributions(Cli& cli, const std::string& id) {
  FP_TRY(rows, cli.get("/content/" + encode(id) + "/distributions"));
  cli.show_rows(rows.as_object()["items"].as_array(), {{"DISTRIBUTION POINT", "dp"}, {"STATE", "state"}, {"BYTES", "bytes_done"},
                                                       {"OF", "bytes_total"}, {"ATTEMPTS", "attempts"}, {"DETAIL", "detail"}});
  return {};
}

// One distribution point, or all of them.
Status show_points(Cli& cli, const std::string& name) {
  json::array rows;
  std::vector<std::string> names{name};
  if (name.empty()) {
    FP_TRY(known, cli.list("/distribution-points"));
    names.clear();
    for (const auto& dp : known) names.push_back(field(dp, "name"));
  }
  for (const auto& dp : names) {
    FP_TRY(there, cli.get("/distribution-points/" + encode(dp) + "/distributions"));
    for (const auto& row : there.as_object()["items"].as_array()) rows.push_back(row);
  }
  cli.show_rows(rows, {{"DISTRIBUTION POINT", "dp"}, {"CONTENT", "content_id"}, {"STATE", "state"}, {"BYTES", "bytes_done"},
                       {"OF", "bytes_total"}, {"SINCE", "updated_at"}, {"ATTEMPTS", "attempts"}, {"DETAIL", "detail"}});
  return {};
}

// What a waiting person is told: on a terminal one bar for all; else a line whenever a distribution point comes a step further.
class Watch {
 public:
  void look(const Cli& cli, const std::string& content_id, const json::array& places) {
    if (cli.as_json) return;
    std::int64_t done = 0, total = 0;
    for (const auto& place : places) {
      const std::int64_t here = number(place, "bytes_done"), of = number(place, "bytes_total");
      done += field(place, "state") == "ok" ? of : std::min(here, of);
      total += of;
      step(field(place, "dp"), field(place, "state"), here, of, field(place, "detail"));
    }
    if (total > 0) progress("distributing " + content_id, std::min(done, total - 1), total);  // the last step comes when all are verified
  }

 private:
  static std::int64_t number(const json::value& row, const char* name) { return row.as_object().at(name).to_number<std::int64_t>(); }
  void step(const std::string& dp, const std::string& state, std::int64_t done, std::int64_t total, const std::string& detail) {
    if (Cli::on_terminal()) return;
    const std::string line = state == "transferring" ? fmt::format("{}: {} of {} bytes", dp, done, total)
                                                     : fmt::format("{}: {}{}{}", dp, state, detail.empty() ? "" : ": ", detail);
    std::string& told = told_[dp];
    if (line != told) std::cerr << line << "\n";
    told = line;
  }
  std::map<std::string, std::string> told_;
};

Status distribute(Cli& cli, const Options& o) {
  json::value body;
  if (!o.dps.empty()) body = json::object{{"dps", json::array(o.dps.begin(), o.dps.end())}};
  FP_TRY(ordered, cli.send("POST", "/content/" + encode(o.id) + "/distribute", body));
  if (!o.no_wait) FP_CHECK(wait_for_distribution(cli, o.id));
  return show_distributions(cli, o.id);
}

// Returns when it is off every distribution point, or one says why it cannot be.
Status delete_content(Cli& cli, const Options& o) {
  FP_TRY(done, cli.send("DELETE", "/content/" + encode(o.id)));
  Watch watch;
  while (!o.no_wait) {
    FP_TRY(answer, cli.get("/content/" + encode(o.id) + "/distributions"));
    const auto& places = answer.as_object()["items"].as_array();
    if (places.empty()) break;
    watch.look(cli, o.id, places);
    std::size_t stuck = 0;
    for (const auto& place : places) stuck += text_at(place, "attempts") != "0" ? 1U : 0U;
    if (stuck == places.size())
      return fail(Code::unavailable, "{} is forgotten, but still on {}: {} (the site goes on trying: `farpoint dp status`)", o.id,
                  field(places[0], "dp"), field(places[0], "detail"));
    std::this_thread::sleep_for(kPollEvery);
  }
  cli.say(o.id + (o.no_wait ? ": going" : ": gone"));
  return {};
}

Status add_content(Cli& cli, const Options& o) {
  json::object body;
  if (!o.package.empty()) body["package"] = o.package;
  FP_TRY(content, make_content(cli, {}, o.source, body));
  cli.show_object(content);
  return {};
}

Status put_dp(Cli& cli, const Options& o) {
  json::object body{{"name", o.name}};
  FP_TRY(known, cli.list("/distribution-points"));
  for (const auto& dp : known)
    if (iequals(field(dp, "name"), o.name)) body = dp.as_object();  // what is not named stays
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) body[name] = value;
  };
  set("intranet_url", o.intranet_url);
  set("internet_url", o.internet_url);
  set("connections", o.connections);
  set("push_url", o.push_url);
  if (o.over_link) body["over_link"] = true;
  if (o.pull) body["pull"] = true;
  if (!o.sources.empty()) body["pull_sources"] = json::array(o.sources.begin(), o.sources.end());
  if (o.maintenance != 0) body["maintenance"] = o.maintenance > 0;
  FP_TRY(made, cli.send("PUT", "/distribution-points/" + encode(o.name), body));
  cli.show_object(made);
  return {};
}

void add_content_commands(CLI::App& app, Cli& cli, Options& o) {
  auto* content = app.add_subcommand("content", "content versions and where they are");
  content->require_subcommand(1);
  content->add_subcommand("list", "all content versions")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/content"));
      cli.show_rows(rows, {{"CONTENT", "content_id"},
                           {"FILES", "files"},
                           {"BYTES", "bytes"},
                           {"ROOT HASH", "root_hash"},
                           {"MADE", "created_at"}});
      return {};
    });
  });
  auto* add = content->add_subcommand("add", "upload a folder as a new content version");
  add->add_option("--source", o.source, "the folder")->required()->check(CLI::ExistingDirectory);
  add->add_option("--package", o.package, "the package whose next version it is");
  add->callback([&cli, &o] { cli.run([&] { return add_content(cli, o); }); });
  auto* spread = content->add_subcommand("distribute", "bring content to distribution points (all, unless named)");
  spread->add_option("content", o.id, "content id")->required();
  spread->add_option("--dp", o.dps, "a distribution point; may be repeated");
  spread->add_flag("--no-wait", o.no_wait, "do not wait for the distribution points");
  spread->callback([&cli, &o] { cli.run([&] { return distribute(cli, o); }); });
  auto* status = content->add_subcommand("status", "where a content version is, and why not");
  status->add_option("content", o.id, "content id")->required();
  status->callback([&cli, &o] { cli.run([&] { return show_distributions(cli, o.id); }); });
  auto* remove = content->add_subcommand("delete", "take it off the distribution points and forget it");
  remove->add_option("content", o.id, "content id")->required();
  remove->add_flag("--no-wait", o.no_wait, "do not wait until it is off the distribution points");
  remove->callback([&cli, &o] { cli.run([&] { return delete_content(cli, o); }); });
}

Result<std::int64_t> bytes_of(const std::vector<Path>& files) {
  std::int64_t sum = 0;
  for (const auto& file : files) {
    FP_TRY(size, size_of_file(file));
    sum += size;
  }
  return sum;
}

Status upload_source(Cli& cli, const std::string& staging, const std::vector<Path>& files, const Path& root) {
  std::vector<Path> all = files;
  if (all.empty()) {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root, error)) {
      if (entry.is_symlink())
        return fail(Code::invalid, "{} is a symbolic link: content holds files only", entry.path().native());
      if (entry.is_regular_file()) all.push_back(entry.path());
    }
    if (error) return fail(Code::io, "reading {}: {}", root.native(), error.message());
    if (all.empty()) return fail(Code::invalid, "{} holds no files", root.native());
  }
  FP_TRY(total, bytes_of(all));
  for (const auto& file : all) {
    const Path relative = std::filesystem::absolute(file).lexically_relative(std::filesystem::absolute(root));
    FP_TRY(checked, parse_relative_path(relative.native()));
    FP_CHECK(upload_file(cli, staging, file, checked, total));
  }
  return {};
}

}  // namespace

Result<boost::json::value> make_content(Cli& cli, const std::vector<Path>& files, const Path& root, boost::json::object body) {
  const std::string staging = new_guid(system_random());
  body["staging"] = staging;
  Status sent = upload_source(cli, staging, files, root);
  Result<json::value> made = sent ? cli.send("POST", "/content", body) : std::unexpected(sent.error());
  // Nothing half is left behind. A site that did not answer may be reading the source still; it removes it itself in time.
  const bool answered = !made && made.error().code != Code::timed_out && made.error().code != Code::unavailable;
  if (answered) {
    // What cannot be removed now goes in time; the first problem is the one to tell.
    if (const auto removed = cli.send("DELETE", "/content/staging/" + staging); !removed) return made;
  }
  return made;
}

Status wait_for_distribution(Cli& cli, const std::string& content_id) {
  Watch watch;
  int looks = 0;
  while (true) {
    FP_TRY(answer, cli.get("/content/" + encode(content_id) + "/distributions"));
    std::size_t good = 0, failed = 0, waiting = 0;
    const auto& places = answer.as_object()["items"].as_array();
    watch.look(cli, content_id, places);
    std::string why;
    for (const auto& place : places) {
      const std::string state = field(place, "state");
      good += state == "ok" ? 1U : 0U;
      const bool fails = state == "failed" && text_at(place, "attempts") != "0";
      const bool waits = state == "pending" && !field(place, "detail").empty();
      failed += fails ? 1U : 0U;
      waiting += waits ? 1U : 0U;
      if (why.empty() && (fails || waits)) why = fmt::format("{} is not on {} yet: {}", content_id, field(place, "dp"), field(place, "detail"));
    }
    if (good == places.size()) break;
    // Who waits for another distribution point may wait because that one has only just got it.
    const bool stuck = good + failed + waiting == places.size();
    looks = stuck && failed == 0 ? looks + 1 : 0;
    if (stuck && (failed > 0 || looks > kLooksMax))
      return fail(Code::unavailable, "{} (the site goes on trying: `farpoint content status {}`)", why, content_id);
    std::this_thread::sleep_for(kPollEvery);
  }
  progress("distributing " + content_id, 1, 1);
  return {};
}

void add_content_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  add_content_commands(app, cli, o);
  auto* dp = app.add_subcommand("dp", "distribution points");
  dp->require_subcommand(1);
  dp->add_subcommand("list", "all distribution points")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/distribution-points"));
      cli.show_rows(rows, {{"NAME", "name"},
                           {"CONNECTIONS", "connections"},
                           {"LOCAL", "local"},
                           {"PULL", "pull"},
                           {"INTRANET", "intranet_url"},
                           {"INTERNET", "internet_url"},
                           {"VALIDATED", "validated_at"}});
      return {};
    });
  });
  auto* status = dp->add_subcommand("status", "what shall be on a distribution point (on all, unless named), how far it is, and why not");
  status->add_option("name", o.name, "host name");
  status->callback([&cli] { cli.run([&] { return show_points(cli, o.name); }); });
  auto* add = dp->add_subcommand("add", "add or change a distribution point on another host");
  add->add_option("name", o.name, "host name")->required();
  add->add_option("--intranet-url", o.intranet_url, "https://dp2.corp.example:443");
  add->add_option("--internet-url", o.internet_url, "https://dp2.example.com:443");
  add->add_option("--push-url", o.push_url, "where the site brings content to");
  add->add_option("--connections", o.connections, "which clients it serves")
      ->check(CLI::IsMember({"intranet", "internet", "both"}));
  add->add_flag("--maintenance,!--no-maintenance", o.maintenance, "not offered to clients, gets no content");
  add->add_flag("--over-link", o.over_link, "the site speaks to it over the site link of the same host (`farpoint mp add`)");
  add->add_flag("--pull", o.pull, "it fetches content from other distribution points");
  add->add_option("--pull-source", o.sources, "which, the first is tried first; may be repeated");
  add->callback([&cli] { cli.run([&] { return put_dp(cli, o); }); });
  auto* validate = dp->add_subcommand("validate", "hash every file again now");
  validate->add_option("name", o.name, "host name")->required();
  validate->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("POST", "/distribution-points/" + encode(o.name) + "/validate"));
      cli.say(o.name + ": validating; findings appear in `farpoint events` and `farpoint content status`");
      return {};
    });
  });
  auto* remove = dp->add_subcommand("remove", "forget a distribution point");
  remove->add_option("name", o.name, "host name")->required();
  remove->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/distribution-points/" + encode(o.name)));
      cli.say(o.name + ": removed");
      return {};
    });
  });
}

}  // namespace fp::cli

// farpoint ts ...: task sequences, one JSON document each (docs/task-sequences.md).
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/session.hpp"
#include "base/text.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string id;
  Path file;
};

// JSON that people edit: two spaces a level.
void pretty(std::string& out, const json::value& value, std::size_t depth) {
  const auto lines = [&](char open, char close, const auto& items, const auto& one) {
    out += open;
    bool first = true;
    for (const auto& item : items) {
      out += (first ? "\n" : ",\n") + std::string((depth + 1) * 2, ' ');
      first = false;
      one(item);
    }
    if (!first) out += "\n" + std::string(depth * 2, ' ');
    out += close;
  };
  if (value.is_object()) {
    lines('{', '}', value.as_object(), [&](const auto& item) {
      out += json::serialize(json::value(item.key())) + ": ";
      pretty(out, item.value(), depth + 1);
    });
  } else if (value.is_array()) {
    lines('[', ']', value.as_array(), [&](const auto& item) { pretty(out, item, depth + 1); });
  } else {
    out += json::serialize(value);
  }
}

// A line for each step, as deep as it stands.
void outline(const Cli& cli, const json::value& holder, const std::string& place) {
  const auto* steps = holder.as_object().if_contains("steps");
  if (!steps || !steps->is_array()) return;
  int number = 0;
  for (const auto& step : steps->as_array()) {
    const auto here = fmt::format("{}{}{}", place, place.empty() ? "" : ".", ++number);
    const auto& o = step.as_object();
    const auto flag = [&](const char* name, bool wanted) {
      const auto* f = o.if_contains(name);
      return f && f->is_bool() && f->as_bool() == wanted;
    };
    const auto* conditions = o.if_contains("conditions");
    cli.say(fmt::format("{:<10} {:<26} {}{}{}{}", here, field(step, "kind"), field(step, "name"),
                        conditions ? fmt::format(", {} condition(s)", conditions->as_array().size()) : "",
                        flag("continue_on_error", true) ? ", goes on after a failure" : "", flag("enabled", false) ? ", disabled" : ""));
    outline(cli, step, here);
  }
}

Status show(Cli& cli, const Options& o) {
  FP_TRY(found, cli.get("/task-sequences/" + encode(o.id)));
  if (cli.as_json) {
    cli.show_object(found);
    return {};
  }
  cli.say(fmt::format("{} ({}), revision {}", field(found, "name"), field(found, "id"), text_at(found, "revision")));
  if (const auto text = field(found, "description"); !text.empty()) cli.say(text);
  for (const auto& v : found.as_object().at("variables").as_array())
    cli.say(fmt::format("{} = {}", field(v, "name"), v.at("secret").as_bool() ? "(secret)" : field(v, "value")));
  outline(cli, found, "");
  return {};
}

Status tell(const Cli& cli, const json::value& made, const char* what) {
  if (cli.as_json) cli.show_object(made);
  else cli.say(fmt::format("task sequence {} ({}): {}, revision {}", field(made, "name"), field(made, "id"), what, text_at(made, "revision")));
  return {};
}

Status create(Cli& cli, const Options& o) {
  FP_TRY(body, read_json(o.file));
  FP_TRY(made, cli.send("POST", "/task-sequences", body));
  return tell(cli, made, "made");
}

Status run_editor(const Path& file) {
  const char* visual = std::getenv("VISUAL");
  const char* editor = visual && *visual ? visual : std::getenv("EDITOR");
  const std::string script = fmt::format("{} \"$1\"", editor && *editor ? editor : "editor");
  std::string shell = "sh", option = "-c", name = "sh", line = script, path = file.native();
  char* const argv[] = {shell.data(), option.data(), line.data(), name.data(), path.data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, "/bin/sh", nullptr, nullptr, argv, ::environ) != 0) return fail(Code::io, "starting the editor {}", script);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0)
    return fail(Code::io, "the editor ended with {}; nothing was changed, your text is in {}", WEXITSTATUS(status), file.native());
  return {};
}

// From a file, or in an editor. What the site refuses is kept.
Status edit(Cli& cli, const Options& o) {
  FP_TRY(before, cli.get("/task-sequences/" + encode(o.id)));
  const auto path = "/task-sequences/" + encode(field(before, "id"));
  Path file = o.file;
  if (file.empty()) {
    std::string name = (std::filesystem::temp_directory_path() / "farpoint-ts-XXXXXX").native();
    const Fd fd(::mkstemp(name.data()));
    if (!fd.ok()) return fail_errno("writing", name);
    std::string text;
    pretty(text, before, 0);
    FP_CHECK(write_all(fd.get(), text + "\n"));
    file = name;
    FP_CHECK(run_editor(file));
  }
  const auto keep = [&](const Error& error) {
    return o.file.empty() ? error.with_context(fmt::format("not changed; your text is in {} (farpoint ts edit {} --file {})", file.native(),
                                                           field(before, "id"), file.native()))
                          : error;
  };
  auto body = read_json(file);
  if (!body) return std::unexpected(keep(body.error()));
  auto changed = cli.send("PUT", path, *body);
  if (!changed) return std::unexpected(keep(changed.error()));
  if (o.file.empty()) ::unlink(file.c_str());
  return tell(cli, *changed, "changed");
}

Status remove(Cli& cli, const Options& o) {
  FP_TRY(done, cli.send("DELETE", "/task-sequences/" + encode(o.id)));
  cli.say(o.id + ": removed");
  return {};
}

}  // namespace

void add_sequence_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* ts = app.add_subcommand("ts", "task sequences: steps that run one after the other");
  ts->require_subcommand(1);
  ts->add_subcommand("list", "all task sequences")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/task-sequences"));
      cli.show_rows(rows, {{"ID", "id"}, {"NAME", "name"}, {"REVISION", "revision"}, {"CHANGED", "changed_at"}});
      return {};
    });
  });
  auto* make = ts->add_subcommand("create", "make one from its JSON document");
  make->add_option("file", o.file, "the document (docs/task-sequences.md)")->required()->check(CLI::ExistingFile);
  make->callback([&cli] { cli.run([&] { return create(cli, o); }); });
  auto* look = ts->add_subcommand("show", "its steps; with --json the whole document");
  look->add_option("id", o.id, "name or id")->required();
  look->callback([&cli] { cli.run([&] { return show(cli, o); }); });
  auto* change = ts->add_subcommand("edit", "change it in $VISUAL or $EDITOR, or replace it by a file");
  change->add_option("id", o.id, "name or id")->required();
  change->add_option("--file", o.file, "the new document")->check(CLI::ExistingFile);
  change->callback([&cli] { cli.run([&] { return edit(cli, o); }); });
  auto* drop = ts->add_subcommand("remove", "remove it where nothing uses it");
  drop->add_option("id", o.id, "name or id")->required();
  drop->callback([&cli] { cli.run([&] { return remove(cli, o); }); });
}

}  // namespace fp::cli

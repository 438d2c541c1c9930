// farpoint completion, farpoint man: both are made from the tree of verbs and options, so they cannot be behind it.
#include <iostream>
#include <set>

#include "apps/cli_session.hpp"
#include "base/text.hpp"

namespace fp::apps {
namespace {

std::vector<CLI::App*> verbs_of(const CLI::App& app) { return const_cast<CLI::App&>(app).get_subcommands([](CLI::App*) { return true; }); }

std::string words_of(const CLI::App& app) {
  std::string words;
  for (const auto* verb : verbs_of(app)) words += verb->get_name() + " ";
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) words += "--" + name + " ";
  return words;
}

// One line of a shell table for each verb: its path, then what may follow.
void rows(const CLI::App& app, const std::string& path, std::string& out) {
  out += fmt::format("    '{}') words='{}' ;;\n", path, words_of(app));
  for (const auto* verb : verbs_of(app)) rows(*verb, path.empty() ? verb->get_name() : path + " " + verb->get_name(), out);
}

std::string bash_completion(const CLI::App& app) {
  std::string table;
  rows(app, "", table);
  return "_farpoint() {\n  local cur=${COMP_WORDS[COMP_CWORD]} path='' word words=''\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case $word in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n  done\n"
         "  while :; do\n    case $path in\n" +
         table +
         "    esac\n    [ -n \"$words\" ] || [ -z \"$path\" ] && break\n"
         "    case $path in *' '*) path=${path% *} ;; *) path='' ;; esac\n  done\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\ncomplete -F _farpoint farpoint\n";
}

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-') out += "\\-";
    else if (c == '\\') out += "\\e";
    else out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

void man_options(const CLI::App& app, std::string& out) {
  for (const auto* option : app.get_options()) {
    if (option->get_name() == "--help") continue;
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(option->get_name(false, true)), roff(option->get_description().empty() ? "(see above)" : option->get_description()));
  }
}

void man_verbs(const CLI::App& app, const std::string& path, std::string& out) {
  for (const auto* verb : verbs_of(app)) {
    const std::string name = path + " " + verb->get_name();
    if (verbs_of(*verb).empty()) {
      out += fmt::format(".SS {}\n{}\n", roff(name), roff(verb->get_description()));
      man_options(*verb, out);
    }
    man_verbs(*verb, name, out);
  }
}

std::string manual(const CLI::App& app) {
  std::string out = ".TH FARPOINT 1\n.SH NAME\nfarpoint \\- administer a Farpoint site\n.SH SYNOPSIS\n.B farpoint\n[\\-\\-json] \\fIverb\\fR ...\n";
  out += ".SH DESCRIPTION\n" + roff(app.get_description()) + "\n.SH OPTIONS\n";
  man_options(app, out);
  out += ".SH VERBS\n";
  man_verbs(app, "farpoint", out);
  out += ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage or input, 3 no such thing, 4 not allowed, 5 the site does not answer.\n"
         ".SH FILES\n.I ~/.config/farpoint/cli.json\n(written by \\fBfarpoint login\\fR), or the file that the environment variable FARPOINT_CLI names, or\n"
         ".I /var/lib/farpoint/admin\\-cli.json\non the site server itself.\n";
  return out;
}

}  // namespace

void add_help_verbs(CLI::App& app, Cli& cli) {
  static std::string shell = "bash";
  auto* completion = app.add_subcommand("completion", "print completion for a shell: source <(farpoint completion bash)");
  completion->add_option("shell", shell)->check(CLI::IsMember({"bash", "zsh"}))->capture_default_str();
  completion->callback([&app] {
    if (shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
    std::cout << bash_completion(app);
  });
  app.add_subcommand("man", "print the manual page: farpoint man | man -l -")->callback([&app] { std::cout << manual(app); });
  (void)cli;
}

}  // namespace fp::apps

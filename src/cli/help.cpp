#include "cli/help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <ranges>

#include "base/text.hpp"

namespace fp::cli {
namespace {

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* verb) { return !verb->get_group().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// The words that an option accepts, where it accepts only some: they stand in braces in its type, "TEXT:{bash,zsh}".
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto open = type.find('{'), shut = type.find('}', open);
  std::vector<std::string> out;
  if (open == std::string::npos || shut == std::string::npos) return out;
  const std::string inside = type.substr(open + 1, shut - open - 1);
  for (const auto part : split(inside, ',')) out.emplace_back(part.substr(0, part.find("->")));
  return out;
}

// Where a command line has got to after some complete words.
struct Position {
  const CLI::App* verb = nullptr;
  const CLI::Option* open = nullptr;  // an option whose value comes next
  std::size_t positionals = 0;        // already given
};

const CLI::Option* find_option(const CLI::App& root, const CLI::App& verb, const std::string& name) {
  for (const auto* app : {&verb, &root})
    for (const auto* option : options_of(*app))
      if (option->check_name(name)) return option;
  return nullptr;
}

Position follow(const CLI::App& root, std::span<const std::string> words) {
  Position at{&root};
  for (const auto& word : words) {
    if (at.open) {
      at.open = nullptr;
    } else if (word.starts_with('-')) {
      const auto* option = word.find('=') == std::string::npos ? find_option(root, *at.verb, word) : nullptr;
      if (option && takes_value(*option)) at.open = option;
    } else {
      const auto verbs = verbs_of(*at.verb);
      const auto found = std::ranges::find(verbs, word, [](const CLI::App* verb) { return verb->get_name(); });
      if (found == verbs.end()) ++at.positionals;
      else at = {*found};
    }
  }
  return at;
}

void add_options(const CLI::App& app, std::vector<std::string>& out) {
  for (const auto* option : options_of(app))
    for (const auto& name : option->get_lnames()) out.push_back("--" + name);
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

// "--purpose required|available" as bold name and italic value.
std::string heading(const CLI::Option& option) {
  std::string text = fmt::format("\\fB{}\\fR", roff(option.get_name(false, true)));
  if (!takes_value(option) || option.get_positional()) return text;
  std::string value = fmt::format("{}", fmt::join(choices_of(option), "|"));
  if (value.empty()) {
    const std::string type = option.get_type_name();
    value = type.substr(0, type.find(':'));
  }
  return text + fmt::format(" \\fI{}\\fR", roff(value));
}

void man_options(const CLI::App& app, std::string& out) {
  for (const auto* option : options_of(app)) {
    if (option->check_name("--help")) continue;
    out += fmt::format(".TP\n{}\n{}", heading(*option), roff(option->get_description()));
    if (!option->get_default_str().empty()) out += fmt::format(" (default: {})", roff(option->get_default_str()));
    out += "\n";
  }
}

void man_verbs(const CLI::App& app, const std::string& path, std::string& out) {
  for (const auto* verb : verbs_of(app)) {
    const std::string name = path + " " + verb->get_name();
    if (verbs_of(*verb).empty() || verb->get_require_subcommand_min() == 0) {
      out += fmt::format(".SS {}\n{}\n", roff(name), roff(verb->get_description()));
      man_options(*verb, out);
    }
    man_verbs(*verb, name, out);
  }
}

void man_rows(const ManualPage::Rows& rows, std::string_view style, std::string& out) {
  for (const auto& [name, meaning] : rows) out += fmt::format(".TP\n\\f{}{}\\fR\n{}\n", style, roff(name), roff(meaning));
}

}  // namespace

std::vector<std::string> candidates(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const std::string& begun = words.back();
  const Position at = follow(app, std::span(words).first(words.size() - 1));
  std::vector<std::string> all;
  if (at.open) {
    all = choices_of(*at.open);
  } else if (begun.starts_with('-')) {
    add_options(*at.verb, all);
    if (at.verb != &app) add_options(app, all);
  } else {
    for (const auto* verb : verbs_of(*at.verb)) all.push_back(verb->get_name());
    std::size_t number = 0;
    for (const auto* option : options_of(*at.verb)) {
      if (!option->get_positional()) continue;
      const bool last = option->get_items_expected_max() > 1 && number <= at.positionals;
      if (number++ != at.positionals && !last) continue;
      const auto choices = choices_of(*option);
      all.insert(all.end(), choices.begin(), choices.end());
    }
  }
  std::vector<std::string> out;
  for (auto& each : all)
    if (each.starts_with(begun) && std::ranges::find(out, each) == out.end()) out.push_back(std::move(each));
  return out;
}

bool answer_completion(const CLI::App& app, int argc, const char* const* argv) {
  if (argc < 2 || std::string_view(argv[1]) != "complete") return false;
  const std::vector<std::string> words(argv + 2, argv + argc);
  for (const auto& word : candidates(app, words)) std::cout << word << "\n";
  return true;
}

std::string completion_script(std::string_view program, std::string_view shell) {
  std::string function = "_" + std::string(program);
  std::ranges::replace(function, '-', '_');
  if (shell == "zsh")
    return fmt::format(
        "#compdef {0}\n{1}() {{\n  local -a found\n  found=(${{(f)\"$({0} complete "
        "\"${{(@)words[2,CURRENT]}}\" 2>/dev/null)\"}})\n"
        "  if (( $#found )); then compadd -a found; else _files; fi\n}}\n"
        "if [ \"$funcstack[1]\" = \"{1}\" ]; then {1} \"$@\"; else compdef {1} {0}; fi\n",
        program, function);
  if (shell == "fish")
    return fmt::format("complete -c {0} -a '({0} complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n", program);
  return fmt::format(
      "{1}() {{\n  mapfile -t COMPREPLY < <({0} complete \"${{COMP_WORDS[@]:1:COMP_CWORD}}\" 2>/dev/null)\n}}\n"
      "complete -o default -F {1} {0}\n",
      program, function);
}

std::string manual(const CLI::App& app, const ManualPage& page) {
  std::string title(page.program);
  std::ranges::transform(title, title.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  std::string out = fmt::format(".TH {} {} \"\" \"Farpoint {}\" \"Farpoint\"\n.SH NAME\n{} \\- {}\n", roff(title), page.section,
                                kVersion, roff(page.program), roff(page.summary));
  out += fmt::format(".SH SYNOPSIS\n.B {}\n[\\fIoptions\\fR] \\fIverb\\fR ...\n", roff(page.program));
  out += ".SH DESCRIPTION\n" + roff(app.get_description()) + "\n.SH OPTIONS\n";
  man_options(app, out);
  out += ".SH VERBS\n";
  man_verbs(app, std::string(page.program), out);
  out += ".SH EXIT STATUS\n";
  man_rows(page.exit_codes, "B", out);
  out += ".SH FILES\n";
  man_rows(page.files, "I", out);
  return out + ".SH SEE ALSO\n" + roff(page.see_also) + "\n";
}

void add_help_verbs(CLI::App& app, const ManualPage& page) {
  static std::string shell;  // CLI11 writes here when it parses
  app.set_version_flag("--version", fmt::format("{} {}", page.program, kVersion), "print the version and end");
  auto* completion = app.add_subcommand(
      "completion", fmt::format("print completion for a shell, for example: source <({} completion bash)", page.program));
  completion->add_option("shell", shell, "which shell")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([program = page.program] { std::cout << completion_script(program, shell); });
  auto* man = app.add_subcommand("man", fmt::format("print the manual page: {} man | man -l -", page.program));
  man->callback([&app, page] { std::cout << manual(app, page); });
}

}  // namespace fp::cli

// farpoint directory ...: the site in the directory of a domain.
#include <thread>

#include "cli/session.hpp"

namespace fp::cli {
namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(200);
constexpr int kPollsMax = 600;

Status show(Cli& cli, const json::value& state) {
  cli.show_object(state);
  if (field(state, "problem").empty()) return {};
  return fail(Code::unavailable, "{}", field(state, "summary"));
}

// Orders it and waits until the site has tried.
Status publish(Cli& cli) {
  FP_TRY(before, cli.send("POST", "/directory/publish"));
  for (int n = 0; n < kPollsMax; ++n) {
    FP_TRY(now, cli.get("/directory"));
    if (text_at(now, "attempts") != text_at(before, "attempts")) return show(cli, now);
    std::this_thread::sleep_for(kPollEvery);
  }
  return fail(Code::timed_out, "the site has not tried yet: look at `farpoint directory status`");
}

}  // namespace

void add_directory_verbs(CLI::App& app, Cli& cli) {
  auto* directory =
      app.add_subcommand("directory", "the site in the directory of a domain, where clients find it");
  directory->require_subcommand(1);
  directory->add_subcommand("status", "what is published, where and when, or why not")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(state, cli.get("/directory"));
      cli.show_object(state);
      return {};
    });
  });
  directory->add_subcommand("publish", "publish now, and say what came of it")->callback([&cli] {
    cli.run([&] { return publish(cli); });
  });
}

}  // namespace fp::cli

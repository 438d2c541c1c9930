// farpoint: the administrator's command line, over the admin API.
#include <csignal>

#include "cli/help.hpp"
#include "cli/session.hpp"
#include "cli/publish.hpp"

namespace {

const fp::cli::ManualPage kPage{
    "farpoint",
    "1",
    "administer a Farpoint site",
    {{"0", "done"},
     {"1", "failed, or a conflict: it exists, is in use, or somebody changed it meanwhile"},
     {"2", "wrong usage or input; the message names the field"},
     {"3", "no such thing"},
     {"4", "not allowed, or the token is wrong; the message names what would be needed"},
     {"5", "the site does not answer, or asks to try later"},
     {"6", "the feature is refused, because the device is on the internet or because it is not offered; the message says why"}},
    {{"~/.config/farpoint/cli.json", "where the site is and the token for it, written by farpoint login"},
     {"/var/lib/farpoint/admin-cli.json", "the same on the site server itself, written by farpointd init"},
     {"$FARPOINT_CLI", "names another such file, which is looked at first"}},
    "farpointd(8), farpoint-agent(8)"};

// They are options of farpoint itself, so CLI11 leaves them out of the help of its verbs.
void name_global_options(CLI::App& app) {
  for (auto* verb : app.get_subcommands([](CLI::App*) { return true; })) {
    verb->footer("Options of every verb (farpoint --help): --json, --server URL, --token TOKEN, --ca-file PEM");
    name_global_options(*verb);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace fp::cli;
  std::signal(SIGPIPE, SIG_DFL);
  CLI::App app{
      "Administer a Farpoint site: devices, collections, applications, content, deployments, and why things "
      "are as they are."};
  Cli cli;
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("--json", cli.as_json, "print JSON");
  app.add_option("--server", cli.server, "https://SITE:PORT of the admin API");
  app.add_option("--token", cli.token, "administrator's token (better: farpoint login)");
  app.add_option("--ca-file", cli.ca_file, "PEM file of the root that the admin API's certificate chains to");
  add_site_verbs(app, cli);
  add_management_point_verbs(app, cli);
  add_gateway_verbs(app, cli);
  add_role_verbs(app, cli);
  add_boundary_verbs(app, cli);
  add_directory_verbs(app, cli);
  add_device_verbs(app, cli);
  add_collection_verbs(app, cli);
  add_software_verbs(app, cli);
  add_sequence_verbs(app, cli);
  add_content_verbs(app, cli);
  add_deployment_verbs(app, cli);
  add_update_verbs(app, cli);
  add_fallback_verbs(app, cli);
  add_doctor_verb(app, cli);
  add_pki_verbs(app, cli);
  add_enrollment_verbs(app, cli);
  add_publish_verb(app, cli);
  add_client_verbs(app, cli);
  name_global_options(app);
  add_help_verbs(app, kPage);
  if (answer_completion(app, argc, argv)) return 0;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return cli.exit_code;
}

// farpoint: the administrator's command line, over the admin API.
#include <csignal>

#include "apps/cli_session.hpp"

int main(int argc, char** argv) {
  using namespace fp::apps;
  std::signal(SIGPIPE, SIG_DFL);
  CLI::App app{"Administer a Farpoint site: devices, collections, applications, content, deployments, and why things are as they are."};
  Cli cli;
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "farpoint 0.1.0");
  app.add_flag("--json", cli.as_json, "print JSON");
  app.add_option("--server", cli.server, "https://SITE:PORT of the admin API");
  app.add_option("--token", cli.token, "administrator's token (better: farpoint login)");
  app.add_option("--ca-file", cli.ca_file, "PEM file of the root that the admin API's certificate chains to");
  add_site_verbs(app, cli);
  add_device_verbs(app, cli);
  add_collection_verbs(app, cli);
  add_software_verbs(app, cli);
  add_content_verbs(app, cli);
  add_deployment_verbs(app, cli);
  add_pki_verbs(app, cli);
  add_help_verbs(app, cli);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return cli.exit_code;
}

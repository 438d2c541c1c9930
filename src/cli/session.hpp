// What every verb of the `farpoint` command shares: where the site is, one call of its API, tables and JSON, exit codes.
// One thread. Never prints a token that it was given.
#pragma once
#include <boost/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/file.hpp"
#include "base/result.hpp"

namespace fp::net {
class Client;
}

namespace fp::cli {

namespace json = boost::json;

// Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 no such thing, 4 not allowed, 5 the site does not answer, 6 the feature
// is refused: on the internet, or everywhere.
[[nodiscard]] int exit_code_of(const Error& error);

struct Column {
  std::string title, key;  // key: a field of the row; "a.b" goes inside
};

class Cli {
 public:
  Cli();
  ~Cli();
  bool as_json = false;
  std::string server, token, ca_file;  // options; empty: from the configuration
  int exit_code = 0;

  // Runs a verb and turns its error into a sentence on standard error and an exit code.
  void run(const std::function<Status()>& verb);

  [[nodiscard]] Result<json::value> get(const std::string& path);
  // A PUT of an object with a revision is refused by the site if somebody changed it since it was read.
  [[nodiscard]] Result<json::value> send(const std::string& method, const std::string& path, const json::value& body = nullptr);
  [[nodiscard]] Result<json::value> send_bytes(const std::string& method, const std::string& path, std::string bytes);
  // All pages of a list.
  [[nodiscard]] Result<json::array> list(const std::string& path);

  // The same value as JSON (with --json) or for people.
  void show_rows(const json::array& rows, const std::vector<Column>& columns) const;
  void show_object(const json::value& object) const;
  void say(const std::string& line) const;  // nothing with --json
  [[nodiscard]] static bool on_terminal();

  [[nodiscard]] Status login(const Path& file);  // writes server, token and CA for the next time

 private:
  [[nodiscard]] Status connect();
  [[nodiscard]] Result<json::value> call(const std::string& method, const std::string& path, std::string body, const char* type,
                                         const std::string& if_match = {});
  std::unique_ptr<net::Client> client_;
  std::string base_, bearer_;
  bool refused_ = false;  // the last answer refused a feature
};

[[nodiscard]] Result<json::value> read_json(const Path& file);
[[nodiscard]] std::string encode(std::string_view path_part);            // one part of a path
[[nodiscard]] std::string text_at(const json::value& row, const std::string& key);  // for tables; "" if absent
[[nodiscard]] std::string field(const json::value& object, std::string_view name);  // a text field; "" if absent

void add_device_verbs(CLI::App& app, Cli& cli);
void add_collection_verbs(CLI::App& app, Cli& cli);
void add_software_verbs(CLI::App& app, Cli& cli);
void add_sequence_verbs(CLI::App& app, Cli& cli);
void add_content_verbs(CLI::App& app, Cli& cli);
void add_deployment_verbs(CLI::App& app, Cli& cli);
void add_site_verbs(CLI::App& app, Cli& cli);
void add_management_point_verbs(CLI::App& app, Cli& cli);
void add_gateway_verbs(CLI::App& app, Cli& cli);
void add_role_verbs(CLI::App& app, Cli& cli);
void add_fallback_verbs(CLI::App& app, Cli& cli);
void add_update_verbs(CLI::App& app, Cli& cli);
void add_doctor_verb(CLI::App& app, Cli& cli);
void add_boundary_verbs(CLI::App& app, Cli& cli);
void add_directory_verbs(CLI::App& app, Cli& cli);
void add_pki_verbs(CLI::App& app, Cli& cli);
void add_enrollment_verbs(CLI::App& app, Cli& cli);
void add_client_verbs(CLI::App& app, Cli& cli);  // behind add_device_verbs

// Uploads `files` (none: all of the folder `root`) as the source of content, in pieces, with progress, and makes a content
// version of it as `body` says; the answer of POST /content. What the site refuses leaves nothing there.
[[nodiscard]] Result<boost::json::value> make_content(Cli& cli, const std::vector<Path>& files, const Path& root,
                                                      boost::json::object body);
// Waits until the content is on every distribution point it was ordered to, or one says that it cannot.
[[nodiscard]] Status wait_for_distribution(Cli& cli, const std::string& content_id);

}  // namespace fp::cli

#include "cli/session.hpp"

#include <unistd.h>

#include <iostream>

#include "cli/help.hpp"
#include "base/text.hpp"
#include "net/client.hpp"

namespace fp::cli {
namespace {

constexpr int kPageRows = 500;

Code code_of(int status) {
  switch (status) {
    case 400: return Code::invalid;
    case 401: return Code::unauthenticated;
    case 403: return Code::forbidden;
    case 404: return Code::not_found;
    case 409: return Code::conflict;
    case 413: return Code::too_large;
    case 503: return Code::unavailable;
    default: return Code::internal;
  }
}

std::vector<Path> configurations() {
  std::vector<Path> out;
  if (const char* named = std::getenv("FARPOINT_CLI")) out.emplace_back(named);
  if (const char* home = std::getenv("HOME")) out.push_back(Path(home) / ".config" / "farpoint" / "cli.json");
  out.emplace_back("/var/lib/farpoint/admin-cli.json");
  return out;
}

std::string scalar(const json::value& v) {
  if (v.is_null()) return "";
  if (v.is_string()) return std::string(v.as_string());
  if (v.is_bool()) return v.as_bool() ? "yes" : "no";
  return json::serialize(v);
}

// Columns a text takes: code points, which is right for everything but wide scripts.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void print_object(const json::value& value, int indent) {
  const std::string pad(static_cast<std::size_t>(indent), ' ');
  for (const auto& [key, v] : value.as_object()) {
    if (v.is_object() && !v.as_object().empty()) {
      std::cout << pad << std::string_view(key) << ":\n";
      print_object(v, indent + 2);
    } else if (v.is_array() && !v.as_array().empty()) {
      std::cout << pad << std::string_view(key) << ":\n";
      for (const auto& item : v.as_array()) {
        if (!item.is_object()) {
          std::cout << pad << "  - " << scalar(item) << "\n";
          continue;
        }
        std::cout << pad << "  -\n";
        print_object(item, indent + 4);
      }
    } else {
      std::cout << pad << fmt::format("{:<22}  ", std::string_view(key))
                << (v.is_array() || v.is_object() ? "" : scalar(v)) << "\n";
    }
  }
}

}  // namespace

int exit_code_of(const Error& error) {
  switch (error.code) {
    case Code::invalid:
    case Code::too_large: return 2;
    case Code::not_found: return 3;
    case Code::unauthenticated:
    case Code::forbidden: return 4;
    case Code::unavailable:
    case Code::timed_out: return 5;
    default: return 1;
  }
}

Cli::Cli() = default;
Cli::~Cli() = default;

void Cli::run(const std::function<Status()>& verb) {
  const auto guarded = [&]() -> Status {
    try {
      return verb();
    } catch (const std::exception& e) {  // Boost.JSON and the file system
      return fail(Code::internal, "what came is not what was expected: {}", e.what());
    }
  };
  if (const Status done = guarded(); !done) {
    std::cerr << "farpoint: " << done.error().message << "\n";
    exit_code = refused_ ? 6 : exit_code_of(done.error());
  }
}

Status Cli::connect() {
  if (client_) return {};
  std::string ca = ca_file;
  base_ = server;
  bearer_ = token;
  for (const auto& file : configurations()) {
    if (!base_.empty() && !bearer_.empty()) break;
    const auto text = read_file(file, 64U << 10);
    if (!text) continue;
    boost::system::error_code error;
    const auto value = json::parse(*text, error);
    if (error || !value.is_object()) return fail(Code::invalid, "{} is not what `farpoint login` writes", file.native());
    if (!base_.empty() && base_ != field(value, "server")) continue;  // a token goes only to the site that it is for
    base_ = field(value, "server");
    if (bearer_.empty()) bearer_ = field(value, "token");
    if (ca.empty()) ca = field(value, "ca_file");
  }
  if (base_.empty() || bearer_.empty())
    return fail(
        Code::invalid,
        "no site is known: run `farpoint login --server https://SITE:9443 --token TOKEN --ca-file ROOT.pem`");
  net::ClientOptions options;
  options.tls.ca_file = ca;
  options.user_agent = fmt::format("farpoint/{}", kVersion);
  options.connect_timeout_s = 10;
  options.low_speed_s = 600;  // the site may have to fetch something before it answers
  client_ = std::make_unique<net::Client>(options);
  return {};
}

Result<json::value> Cli::call(const std::string& method, const std::string& path, std::string body, const char* type,
                              const std::string& if_match) {
  FP_CHECK(connect());
  net::ClientRequest request;
  request.method = method;
  request.url = base_ + "/admin/v1" + path;
  request.headers = {{"Authorization", "Bearer " + bearer_}};
  request.send_body = method != "GET" && method != "DELETE";
  if (!body.empty()) request.headers.emplace_back("Content-Type", type);
  if (!if_match.empty()) request.headers.emplace_back("If-Match", if_match);
  request.body = std::move(body);
  auto response = client_->perform(request);
  if (!response) return std::unexpected(response.error().with_context(base_));
  json::value value;
  if (!response->body.empty()) {
    boost::system::error_code error;
    value = json::parse(response->body, error);
    if (error) value = json::value(response->body);
  }
  if (response->status < 400) return value;
  std::string message = fmt::format("the site answered {}", response->status);
  if (value.is_object())
    if (const auto* e = value.as_object().if_contains("error"); e && e->is_object()) {
      message = field(*e, "message");
      refused_ = e->as_object().contains("feature");
    }
  return fail(code_of(response->status), "{}", message);
}

Result<json::value> Cli::get(const std::string& path) { return call("GET", path, {}, ""); }

Result<json::value> Cli::send(const std::string& method, const std::string& path, const json::value& body) {
  std::string if_match;
  if (method == "PUT" && body.is_object())
    if (const auto* revision = body.as_object().if_contains("revision"); revision && revision->is_int64())
      if_match = fmt::format("\"{}\"", revision->as_int64());
  return call(method, path, body.is_null() ? std::string() : json::serialize(body), "application/json", if_match);
}

Result<json::value> Cli::send_bytes(const std::string& method, const std::string& path, std::string bytes) {
  return call(method, path, std::move(bytes), "application/octet-stream");
}

Result<json::array> Cli::list(const std::string& path) {
  json::array all;
  std::string after;
  while (true) {
    const char join = path.find('?') == std::string::npos ? '?' : '&';
    FP_TRY(page, get(fmt::format("{}{}limit={}{}", path, join, kPageRows, after.empty() ? "" : "&after=" + encode(after))));
    if (!page.is_object() || !page.as_object().contains("items")) return fail(Code::internal, "the site's answer is no list");
    for (auto& item : page.as_object()["items"].as_array()) all.push_back(std::move(item));
    after = field(page, "next");
    if (after.empty()) return all;
  }
}

void Cli::show_rows(const json::array& rows, const std::vector<Column>& columns) const {
  if (as_json) {
    std::cout << json::serialize(rows) << "\n";
    return;
  }
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  for (const auto& c : columns) widths.push_back(c.title.size());
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line.push_back(text_at(row, columns[i].key));
      widths[i] = std::max(widths[i], width_of(line.back()));
    }
  }
  const auto print = [&](const std::vector<std::string>& line) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 < line.size()) out.append(widths[i] - width_of(line[i]) + 2, ' ');
    }
    std::cout << out << "\n";
  };
  std::vector<std::string> titles;
  for (const auto& c : columns) titles.push_back(c.title);
  print(titles);
  for (const auto& line : cells) print(line);
}

void Cli::show_object(const json::value& object) const {
  if (as_json || !object.is_object()) {
    if (!object.is_null()) std::cout << json::serialize(object) << "\n";
    return;
  }
  print_object(object, 0);
}

void Cli::say(const std::string& line) const {
  if (!as_json) std::cout << line << std::endl;
}

bool Cli::on_terminal() { return ::isatty(STDERR_FILENO) == 1; }

Status Cli::login(const Path& file) {
  FP_TRY(site, get("/site"));
  const json::object saved{{"server", server}, {"token", token}, {"ca_file", ca_file}};
  FP_CHECK(make_dirs(file.parent_path(), 0700));
  FP_CHECK(write_file(file, json::serialize(saved) + "\n", 0600));
  say(fmt::format("site {}: you are {}; written to {}", field(site, "site_code"), field(site, "administrator"), file.native()));
  return {};
}

std::string encode(std::string_view path_part) {
  std::string out;
  for (const char c : percent_encode_path(path_part)) out += c == '/' ? std::string("%2F") : std::string(1, c);
  return out;
}

Result<json::value> read_json(const Path& file) {
  FP_TRY(text, read_file(file, 16U << 20));
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error) return fail(Code::invalid, "{}: {}", file.native(), error.message());
  return value;
}

std::string text_at(const json::value& row, const std::string& key) {
  const json::value* at = &row;
  for (const auto part : split(key, '.')) {
    if (!at->is_object()) return key.empty() ? scalar(row) : "";
    at = at->as_object().if_contains(part);
    if (!at) return "";
  }
  return scalar(*at);
}

std::string field(const json::value& object, std::string_view name) {
  if (!object.is_object()) return {};
  const auto* v = object.as_object().if_contains(name);
  return v && v->is_string() ? std::string(v->as_string()) : std::string();
}

}  // namespace fp::cli

// The site in the directory of a domain: what is published there, or why not, and an order to publish now.
#include "roles/admin/context.hpp"

namespace fp::admin {
namespace {

using namespace access;

json::object to_answer(const DirectoryState& s) {
  return json::object{{"enabled", s.enabled},
                      {"domain", s.domain},
                      {"container", s.container},
                      {"controller", s.controller},
                      {"account", s.account},
                      {"objects", json::array(s.objects.begin(), s.objects.end())},
                      {"published_at", s.published_at.ms > 0 ? to_iso(s.published_at) : ""},
                      {"tried_at", s.tried_at.ms > 0 ? to_iso(s.tried_at) : ""},
                      {"problem", s.problem},
                      {"attempts", s.attempts},
                      {"summary", sentence_of(s)}};
}

Result<Answer> show(Context& c) { return Answer{200, to_answer(c.hooks.directory()), {}}; }

Result<Answer> publish(Context& c) {
  const auto state = c.hooks.directory();
  if (state.domain.empty()) return fail(Code::conflict, "{}", sentence_of(state));
  FP_CHECK(c.store.write([&](Repositories& r) { return c.audit(r, "publish", "directory", state.domain); }));
  c.hooks.directory_wanted();
  return Answer{202, to_answer(state), {}};
}

constexpr Route kRoutes[] = {
    {"GET", "/directory", ObjectClass::site, kReadObject, show},
    {"POST", "/directory/publish", ObjectClass::site, kModifyObject, publish},
};

}  // namespace

std::string sentence_of(const DirectoryState& s) {
  if (s.domain.empty()) return "not published: there is no [directory_publishing] in farpoint.toml";
  if (!s.problem.empty()) return fmt::format("not published in {} as wanted: {}", s.domain, s.problem);
  if (!s.enabled) return fmt::format("not published in {}: switched off", s.domain);
  if (s.published_at.ms == 0) return fmt::format("not published in {} yet", s.domain);
  return fmt::format("{} objects in {}, last looked after {}", s.objects.size(), s.container,
                     to_iso(s.published_at));
}

std::span<const Route> directory_routes() { return kRoutes; }

}  // namespace fp::admin

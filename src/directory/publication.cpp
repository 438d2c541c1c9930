#include "directory/publication.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/service_records.hpp"

namespace fp::directory {
namespace {

// What may be asked of the administrator, in his words.
std::unexpected<Error> no_right(const Error& error, const std::string& container,
                                const std::string& principal) {
  return fail(Code::forbidden,
              "{}. Give {} full control of {} and of everything below it (farpoint directory status; "
              "docs/administration.md)",
              error.message, principal, container);
}

// The same attributes with the same values, in whatever order a directory keeps them. Of ours every object
// has the same class.
bool same(const wire::DirectoryAttributes& wanted, const wire::DirectoryAttributes& there) {
  const auto sorted = [](const wire::DirectoryAttributes& all) {
    wire::DirectoryAttributes out = all;
    out.erase("objectclass");
    for (auto& [name, values] : out) std::ranges::sort(values);
    return out;
  };
  return sorted(wanted) == sorted(there);
}

Result<std::vector<DirectoryEntry>> own_entries(DirectoryAccess& directory, const std::string& container,
                                                const std::string& site_code) {
  auto found = directory.children(container, wire::published_filter(site_code));
  if (found || found.error().code != Code::not_found) return found;
  const Status made = directory.add(container, {{"objectclass", {"container"}}});
  if (!made) {
    if (made.error().code == Code::conflict)
      return fail(Code::forbidden, "{}", found.error().message);  // there, and hidden from us
    return std::unexpected(made.error().with_context(fmt::format("there is no {}", container)));
  }
  log::info("directory", "made {}", container);
  return std::vector<DirectoryEntry>{};
}

Status put(DirectoryAccess& directory, const std::string& domain, const wire::DirectoryObject& wanted,
           const std::vector<DirectoryEntry>& there, Published& out) {
  const auto known = std::ranges::find_if(
      there, [&](const DirectoryEntry& e) { return iequals(e.object.name, wanted.name); });
  if (known == there.end()) {
    FP_CHECK(directory.add(wire::published_place(wanted.name, domain), wanted.attributes));
    out.added.push_back(wanted.name);
  } else if (!same(wanted.attributes, known->object.attributes)) {
    auto attributes = wanted.attributes;
    attributes.erase("objectclass");
    for (const auto& [name, values] : known->object.attributes)
      attributes.try_emplace(name);  // what is too much there goes
    FP_CHECK(directory.replace(known->place, attributes));
    out.changed.push_back(wanted.name);
  }
  out.objects.push_back(wanted.name);
  return {};
}

Status apply(DirectoryAccess& directory, const std::string& domain, const std::string& site_code,
             const std::vector<wire::DirectoryObject>& objects, Published& out) {
  FP_TRY(there, own_entries(directory, out.container, site_code));
  for (const auto& wanted : objects) FP_CHECK(put(directory, domain, wanted, there, out));
  for (const auto& entry : there) {
    const bool wanted =
        std::ranges::any_of(objects, [&](const auto& o) { return iequals(o.name, entry.object.name); });
    if (wanted) continue;
    FP_CHECK(directory.remove(entry.place));
    out.removed.push_back(entry.object.name);
  }
  return {};
}

// The domain's controllers in the order in which they want to be asked.
Result<std::vector<std::string>> controllers_of(const std::string& domain) {
  auto records = look_up_services(wire::domain_controller_record(domain));
  if (!records) return std::unexpected(records.error().with_context(fmt::format("domain {}", domain)));
  if (records->empty()) return fail(Code::not_found, "domain {}: DNS names no domain controller", domain);
  std::ranges::stable_sort(*records, {}, &wire::ServiceRecord::priority);
  std::vector<std::string> out;
  for (const auto& r : *records)
    if (out.size() < kControllersTriedMax) out.push_back(r.host);
  return out;
}

bool try_another(const Error& error) {
  return error.code == Code::unavailable || error.code == Code::timed_out;
}

}  // namespace

Result<Published> publish(DirectoryAccess& directory, const std::string& domain, const std::string& site_code,
                          const std::vector<wire::DirectoryObject>& objects, const std::string& principal) {
  Published out;
  out.principal = principal;
  out.container = wire::published_container(domain);
  if (const Status done = apply(directory, domain, site_code, objects, out); !done) {
    if (done.error().code == Code::forbidden) return no_right(done.error(), out.container, principal);
    return std::unexpected(done.error());
  }
  return out;
}

Result<Published> publish_in(const DomainLogin& account, const std::string& site_code,
                             const std::vector<wire::DirectoryObject>& objects, const Clock& clock) {
  FP_TRY(ticket, KerberosTicket::from_keytab(account.keytab, account.domain));
  FP_TRY(controllers, controllers_of(account.domain));
  std::optional<Error> first;
  for (const auto& controller : controllers) {
    auto session = LdapSession::open(controller, *ticket, clock);
    auto done = session ? publish(**session, account.domain, site_code, objects, ticket->principal())
                        : std::unexpected(session.error());
    if (done) {
      done->controller = controller;
      return done;
    }
    if (!try_another(done.error())) return done;
    if (!first) first = done.error();
  }
  return std::unexpected(*first);
}

Result<wire::Publication> find_published(const DomainLogin& account, const std::string& controller,
                                         const std::string& site_code, const Clock& clock) {
  FP_TRY(ticket, KerberosTicket::from_keytab(account.keytab, account.domain));
  FP_TRY(session, LdapSession::open(controller, *ticket, clock));
  const auto found =
      session->children(wire::published_container(account.domain), wire::published_filter(site_code));
  if (!found && found.error().code == Code::not_found) return wire::Publication{};
  if (!found) return std::unexpected(found.error());
  std::vector<wire::DirectoryObject> objects;
  for (const auto& entry : *found) objects.push_back(entry.object);
  return wire::decode_published(objects);
}

}  // namespace fp::directory

#include "directory/ldap_session.hpp"

#include <ldap.h>
#include <sasl/sasl.h>
#include <sys/socket.h>

#include <algorithm>
#include <list>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::directory {
namespace {

constexpr std::size_t kDiagnosticCharsMax = 200;
// What a client asks for of each object.
constexpr const char* kAttributes[] = {"cn",
                                       "keywords",
                                       "serviceClassName",
                                       "serviceDNSName",
                                       "serviceDNSNameType",
                                       "serviceBindingInformation"};

// Of a name that ours are told from: without case.
std::string attribute_name(std::string_view name) { return lower(name); }

Code code_of(int code) {
  switch (code) {
    case LDAP_NO_SUCH_OBJECT:
      return Code::not_found;
    case LDAP_INSUFFICIENT_ACCESS:
      return Code::forbidden;
    case LDAP_ALREADY_EXISTS:
      return Code::conflict;
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED:
      return Code::timed_out;
    case LDAP_SIZELIMIT_EXCEEDED:
    case LDAP_ADMINLIMIT_EXCEEDED:
      return Code::too_large;
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_REFERRAL:
      return Code::unavailable;
    case LDAP_LOCAL_ERROR:
    case LDAP_AUTH_UNKNOWN:
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_AUTH_METHOD_NOT_SUPPORTED:
      return Code::unauthenticated;
    default:
      return Code::invalid;
  }
}

// In the server's own words, as far as they can be shown.
std::string diagnostic(LDAP* session) {
  char* text = nullptr;
  if (ldap_get_option(session, LDAP_OPT_DIAGNOSTIC_MESSAGE, static_cast<void*>(&text)) != LDAP_OPT_SUCCESS ||
      text == nullptr)
    return {};
  std::string out;
  for (const char* c = text; *c != '\0' && out.size() < kDiagnosticCharsMax; ++c)
    out += *c >= ' ' && *c <= '~' ? *c : ' ';
  ldap_memfree(text);
  return std::string(trim(out));
}

// Kerberos asks for nothing: whatever SASL would like to know is left empty.
int leave_empty(LDAP*, unsigned, void*, void* prompts) {
  for (auto* p = static_cast<sasl_interact_t*>(prompts); p->id != SASL_CB_LIST_END; ++p) {
    p->result = "";
    p->len = 0;
  }
  return LDAP_SUCCESS;
}

// Attributes in the form that the library sends; they point into what they were made of.
class Modifications {
 public:
  Modifications(const wire::DirectoryAttributes& attributes, int operation) {
    for (const auto& [name, values] : attributes) {
      auto& one = parts_.emplace_back();
      for (const auto& value : values) one.values.push_back({value.size(), const_cast<char*>(value.data())});
      for (auto& value : one.values) one.pointers.push_back(&value);
      one.pointers.push_back(nullptr);
      one.mod.mod_op = operation | LDAP_MOD_BVALUES;
      one.mod.mod_type = const_cast<char*>(name.c_str());
      one.mod.mod_bvalues = one.pointers.data();
    }
    for (auto& one : parts_) mods_.push_back(&one.mod);
    mods_.push_back(nullptr);
  }
  [[nodiscard]] LDAPMod** data() { return mods_.data(); }

 private:
  struct One {
    LDAPMod mod{};
    std::vector<berval> values;
    std::vector<berval*> pointers;
  };
  std::list<One> parts_;
  std::vector<LDAPMod*> mods_;
};

struct Message {
  LDAPMessage* value = nullptr;
  Message() = default;
  ~Message() {
    if (value) ldap_msgfree(value);
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
};

}  // namespace

struct LdapSession::Parts {
  LDAP* session = nullptr;
  std::string controller;
  const Clock& clock;

  Parts(std::string name, const Clock& c) : controller(std::move(name)), clock(c) {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    if (session) (void)ldap_unbind_ext_s(session, nullptr, nullptr);
  }

  [[nodiscard]] std::unexpected<Error> failed(int code, std::string_view doing) const {
    const auto more = diagnostic(session);
    return fail(code_of(code), "{}: {}: {}{}{}{}", controller, doing, ldap_err2string(code),
                more.empty() ? "" : " (", more, more.empty() ? "" : ")");
  }
  Status set_options();
  Status connect();
  // Waits for the next message of a search. Result: one of LDAP_RES_*.
  Result<int> next(int id, std::int64_t until_ms, Message& out) const;
  Result<DirectoryEntry> read(LDAPMessage* entry) const;
};

Status LdapSession::Parts::set_options() {
  const int version = LDAP_VERSION3, deref = LDAP_DEREF_NEVER, entries = static_cast<int>(kLdapEntriesMax);
  const timeval limit{kLdapWaitS, 0}, connecting{kLdapConnectS, 0};
  const std::string strength = fmt::format("minssf={},noanonymous,noplain", kLdapSealBits);
  const auto set = [&](int option, const void* value) {
    return ldap_set_option(session, option, value) == LDAP_OPT_SUCCESS;
  };
  const bool good = set(LDAP_OPT_PROTOCOL_VERSION, &version) && set(LDAP_OPT_REFERRALS, LDAP_OPT_OFF) &&
                    set(LDAP_OPT_DEREF, &deref) && set(LDAP_OPT_RESTART, LDAP_OPT_OFF) &&
                    set(LDAP_OPT_SIZELIMIT, &entries) && set(LDAP_OPT_TIMEOUT, &limit) &&
                    set(LDAP_OPT_NETWORK_TIMEOUT, &connecting) && set(LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) &&
                    set(LDAP_OPT_X_SASL_SECPROPS, strength.c_str());
  if (!good) return fail(Code::internal, "the LDAP library does not take the limits that this program sets");
  return {};
}

// Behind the connection the library's waits are the limit; what comes in pieces, and a write that the other
// side never takes, are the socket's.
Status LdapSession::Parts::connect() {
  if (const int code = ldap_connect(session); code != LDAP_SUCCESS) return failed(code, "connecting");
  int fd = -1;
  Sockbuf* socket = nullptr;
  ber_len_t bytes = kLdapMessageBytesMax;
  const timeval limit{kLdapWaitS, 0};
  const bool good =
      ldap_get_option(session, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS &&
      ldap_get_option(session, LDAP_OPT_SOCKBUF, static_cast<void*>(&socket)) == LDAP_OPT_SUCCESS && socket &&
      ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &bytes) == 1 &&
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
      ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
  if (!good) return fail(Code::internal, "the LDAP library does not take the limits that this program sets");
  return {};
}

LdapSession::LdapSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LdapSession::~LdapSession() = default;

Result<std::unique_ptr<LdapSession>> LdapSession::open(const std::string& controller,
                                                       const KerberosTicket& ticket, const Clock& clock,
                                                       int port) {
  FP_TRY(host, parse_host(controller));
  auto parts = std::make_unique<Parts>(host, clock);
  const std::string url =
      fmt::format("ldap://{}:{}", host.find(':') == std::string::npos ? host : "[" + host + "]", port);
  if (const int code = ldap_initialize(&parts->session, url.c_str()); code != LDAP_SUCCESS)
    return fail(Code::internal, "{}: {}", host, ldap_err2string(code));
  FP_CHECK(parts->set_options());
  FP_CHECK(parts->connect());
  FP_TRY(shown, TicketInUse::begin(ticket));
  const int code = ldap_sasl_interactive_bind_s(parts->session, nullptr, "GSSAPI", nullptr, nullptr,
                                                LDAP_SASL_QUIET, leave_empty, nullptr);
  if (code == LDAP_AUTH_UNKNOWN)
    return fail(Code::unauthenticated,
                "{}: SASL has no GSSAPI on this computer: install the package libsasl2-modules-gssapi-mit",
                host);
  if (code != LDAP_SUCCESS) return parts->failed(code, fmt::format("login as {}", ticket.principal()));
  // A server that says "success" in the middle of the login has proven nothing, and the library takes its word.
  ber_len_t bits = 0;
  if (ldap_get_option(parts->session, LDAP_OPT_X_SASL_SSF, &bits) != LDAP_OPT_SUCCESS ||
      bits < static_cast<ber_len_t>(kLdapSealBits))
    return fail(Code::unauthenticated, "{}: login as {}: it has not proven itself by Kerberos, and nothing would be encrypted", host,
                ticket.principal());
  return std::unique_ptr<LdapSession>(new LdapSession(std::move(parts)));
}

Result<int> LdapSession::Parts::next(int id, std::int64_t until_ms, Message& out) const {
  const auto left = until_ms - clock.steady_ms();
  if (left <= 0)
    return fail(Code::timed_out, "{}: the answer takes longer than {} s", controller, kLdapWaitS);
  timeval limit{left / 1000, (left % 1000) * 1000};
  const int kind = ldap_result(session, id, LDAP_MSG_ONE, &limit, &out.value);
  if (kind == 0)
    return fail(Code::timed_out, "{}: the answer takes longer than {} s", controller, kLdapWaitS);
  if (kind < 0) {
    int code = LDAP_OTHER;
    (void)ldap_get_option(session, LDAP_OPT_RESULT_CODE, &code);
    return failed(code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code, "reading the answer");
  }
  return kind;
}

Result<DirectoryEntry> LdapSession::Parts::read(LDAPMessage* entry) const {
  DirectoryEntry out;
  if (char* place = ldap_get_dn(session, entry); place != nullptr) {
    out.place = place;
    ldap_memfree(place);
  }
  std::size_t attributes = 0;
  BerElement* cursor = nullptr;
  const std::unique_ptr<BerElement*, void (*)(BerElement**)> owned(&cursor, [](BerElement** c) {
    if (*c) ber_free(*c, 0);
  });
  for (char* name = ldap_first_attribute(session, entry, &cursor); name != nullptr;
       name = ldap_next_attribute(session, entry, cursor)) {
    const std::unique_ptr<char, void (*)(void*)> name_owned(name, ldap_memfree);
    if (++attributes > wire::kPublishedAttributesMax)
      return fail(Code::too_large, "{}: an object of more attributes than were asked for", controller);
    berval** values = ldap_get_values_len(session, entry, name);
    if (!values) continue;
    const std::unique_ptr<berval*, void (*)(berval**)> values_owned(values, ldap_value_free_len);
    auto& all = out.object.attributes[attribute_name(name)];
    for (berval** v = values; *v != nullptr; ++v) {
      if (all.size() >= wire::kPublishedValuesMax || (*v)->bv_len > wire::kPublishedValueBytesMax)
        return fail(Code::too_large, "{}: an object with more or longer values than a site publishes",
                    controller);
      all.emplace_back((*v)->bv_val, (*v)->bv_len);
    }
  }
  if (const auto cn = out.object.attributes.find("cn"); cn != out.object.attributes.end()) {
    if (!cn->second.empty()) out.object.name = cn->second.front();
    out.object.attributes.erase(cn);
  }
  return out;
}

Result<std::vector<DirectoryEntry>> LdapSession::children(const std::string& container,
                                                          const std::string& filter) {
  std::vector<char*> wanted;
  for (const auto* name : kAttributes) wanted.push_back(const_cast<char*>(name));
  wanted.push_back(nullptr);
  timeval limit{kLdapWaitS, 0};
  int id = 0;
  const int sent =
      ldap_search_ext(parts_->session, container.c_str(), LDAP_SCOPE_ONELEVEL, filter.c_str(), wanted.data(),
                      0, nullptr, nullptr, &limit, static_cast<int>(kLdapEntriesMax), &id);
  if (sent != LDAP_SUCCESS) return parts_->failed(sent, "searching");
  const auto until = parts_->clock.steady_ms() + kLdapWaitS * 1000;
  std::vector<DirectoryEntry> out;
  std::size_t messages = 0;
  while (true) {
    Message message;
    FP_TRY(kind, parts_->next(id, until, message));
    if (++messages > 2 * kLdapEntriesMax)
      return fail(Code::too_large, "{}: an answer without end", parts_->controller);
    if (kind == LDAP_RES_SEARCH_ENTRY) {
      if (out.size() >= kLdapEntriesMax)
        return fail(Code::too_large, "{}: more than {} objects", parts_->controller, kLdapEntriesMax);
      FP_TRY(entry, parts_->read(message.value));
      out.push_back(std::move(entry));
    } else if (kind == LDAP_RES_SEARCH_RESULT) {
      int code = LDAP_OTHER;
      if (const int parsed =
              ldap_parse_result(parts_->session, message.value, &code, nullptr, nullptr, nullptr, nullptr, 0);
          parsed != LDAP_SUCCESS)
        code = parsed;
      if (code != LDAP_SUCCESS) return parts_->failed(code, "searching " + container);
      return out;
    }  // a reference to another server is not followed
  }
}

Status LdapSession::change(const std::string& place, const wire::DirectoryAttributes& attributes,
                           int operation) {
  Modifications mods(attributes, operation);
  const int code = operation == LDAP_MOD_ADD
                       ? ldap_add_ext_s(parts_->session, place.c_str(), mods.data(), nullptr, nullptr)
                       : ldap_modify_ext_s(parts_->session, place.c_str(), mods.data(), nullptr, nullptr);
  if (code == LDAP_SUCCESS) return {};
  return parts_->failed(code,
                        fmt::format("{} {}", operation == LDAP_MOD_ADD ? "creating" : "changing", place));
}

Status LdapSession::add(const std::string& place, const wire::DirectoryAttributes& attributes) {
  return change(place, attributes, LDAP_MOD_ADD);
}

Status LdapSession::replace(const std::string& place, const wire::DirectoryAttributes& attributes) {
  return change(place, attributes, LDAP_MOD_REPLACE);
}

Status LdapSession::remove(const std::string& place) {
  const int code = ldap_delete_ext_s(parts_->session, place.c_str(), nullptr, nullptr);
  if (code == LDAP_SUCCESS) return {};
  return parts_->failed(code, "deleting " + place);
}

}  // namespace fp::directory

#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

using Stored = std::pair<std::string, std::string>;  // what its own column holds, and the document
Stored stored(Row& r) {
  auto column = r.text();
  return {std::move(column), r.text()};
}
Result<EnrollmentToken> token_of(Stored row) {
  FP_TRY(token, wire::from_text<EnrollmentToken>(row.second, wire::Strictness::trusted));
  token.hash = std::move(row.first);
  return token;
}
Result<Enrollment> enrollment_of(Stored row) {
  FP_TRY(enrollment, wire::from_text<Enrollment>(row.second, wire::Strictness::trusted));
  enrollment.certificate_der = std::move(row.first);
  return enrollment;
}
template <class T, class Make>
Result<std::vector<T>> all_of(std::vector<Stored> rows, Make make) {
  std::vector<T> out;
  out.reserve(rows.size());
  for (auto& row : rows) {
    FP_TRY(one, make(std::move(row)));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Result<EnrollmentToken> EnrollmentsTable::find_token(std::string_view id) {
  FP_TRY(row, c_.db.one("enrollment token", "SELECT hash, document FROM enrollment_tokens WHERE id = ?1", stored, id));
  return token_of(std::move(row));
}
Result<EnrollmentToken> EnrollmentsTable::find_token_by_hash(std::string_view hash) {
  FP_TRY(row, c_.db.one("enrollment token", "SELECT hash, document FROM enrollment_tokens WHERE hash = ?1", stored, hash));
  return token_of(std::move(row));
}
Result<std::vector<EnrollmentToken>> EnrollmentsTable::tokens() {
  FP_TRY(rows, c_.db.all("SELECT hash, document FROM enrollment_tokens ORDER BY id", stored));
  return all_of<EnrollmentToken>(std::move(rows), token_of);
}
Status EnrollmentsTable::put_token(const EnrollmentToken& token) {
  if (const auto other = find_token_by_hash(token.hash); other && other->id != token.id)
    return fail(Code::conflict, "{} has that hash already", other->id);
  return c_.db.run("INSERT INTO enrollment_tokens VALUES(?1, ?2, ?3) ON CONFLICT(id) DO UPDATE SET hash = ?2, document = ?3", token.id,
                   token.hash, wire::to_text(token));
}

Result<Enrollment> EnrollmentsTable::find(std::string_view serial) {
  FP_TRY(row, c_.db.one("enrollment", "SELECT certificate, document FROM enrollments WHERE serial = ?1", stored, serial));
  return enrollment_of(std::move(row));
}
Result<Enrollment> EnrollmentsTable::find_by_key(std::string_view key_fingerprint) {
  FP_TRY(row, c_.db.one("enrollment with this key",
                        "SELECT certificate, document FROM enrollments WHERE key = ?1 ORDER BY number DESC LIMIT 1", stored,
                        key_fingerprint));
  return enrollment_of(std::move(row));
}
Result<std::vector<Enrollment>> EnrollmentsTable::renewals_of(std::string_view key_fingerprint) {
  FP_TRY(rows, c_.db.all("SELECT certificate, document FROM enrollments WHERE replaces = ?1 AND replaces <> '' ORDER BY number DESC",
                         stored, key_fingerprint));
  return all_of<Enrollment>(std::move(rows), enrollment_of);
}
Result<std::vector<Enrollment>> EnrollmentsTable::list(int limit) {
  FP_TRY(rows, c_.db.all("SELECT certificate, document FROM enrollments ORDER BY number DESC LIMIT ?1", stored, std::max(limit, 0)));
  return all_of<Enrollment>(std::move(rows), enrollment_of);
}
Status EnrollmentsTable::put(const Enrollment& e) {
  return c_.db.run("INSERT INTO enrollments(serial, key, replaces, certificate, document) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(serial) DO "
                   "UPDATE SET key = ?2, replaces = ?3, certificate = ?4, document = ?5",
                   e.serial, e.key_fingerprint, e.replaces_fingerprint, Blob{e.certificate_der}, wire::to_text(e));
}

Result<EnrollmentProxyPoint> EnrollmentsTable::find_proxy(std::string_view name) {
  return find_document<EnrollmentProxyPoint>(c_.db, "enrollment proxy point",
                                             "SELECT document FROM enrollment_proxy_points WHERE name = ?1", name);
}
Result<std::vector<EnrollmentProxyPoint>> EnrollmentsTable::proxies() {
  return list_documents<EnrollmentProxyPoint>(c_.db, "SELECT document FROM enrollment_proxy_points ORDER BY name");
}
Status EnrollmentsTable::put_proxy(const EnrollmentProxyPoint& point) {
  return c_.db.run("INSERT INTO enrollment_proxy_points VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET document = ?2", point.name,
                   wire::to_text(point));
}
Status EnrollmentsTable::remove_proxy(std::string_view name) {
  return remove_one(c_.db, "enrollment proxy point", "DELETE FROM enrollment_proxy_points WHERE name = ?1", name);
}

}  // namespace fp::store::sqlite

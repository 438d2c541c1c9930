#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {

Result<Application> SoftwareTable::find_application(std::string_view id) {
  return find_document<Application>(c_.db, "application", "SELECT document FROM applications WHERE id = ?1", id);
}
Result<std::vector<Application>> SoftwareTable::list_applications() {
  return list_documents<Application>(c_.db, "SELECT document FROM applications ORDER BY id");
}
Status SoftwareTable::put_application(const Application& application) {
  return c_.db.run("INSERT INTO applications VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET document = ?2", application.id,
                   wire::to_text(application));
}
Status SoftwareTable::remove_application(std::string_view id) {
  return remove_one(c_.db, "application", "DELETE FROM applications WHERE id = ?1", id);
}

Result<Package> SoftwareTable::find_package(std::string_view id) {
  return find_document<Package>(c_.db, "package", "SELECT document FROM packages WHERE id = ?1", id);
}
Result<std::vector<Package>> SoftwareTable::list_packages() {
  return list_documents<Package>(c_.db, "SELECT document FROM packages ORDER BY id");
}
Status SoftwareTable::put_package(const Package& package) {
  return c_.db.run("INSERT INTO packages VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET document = ?2", package.id,
                   wire::to_text(package));
}
Status SoftwareTable::remove_package(std::string_view id) {
  return remove_one(c_.db, "package", "DELETE FROM packages WHERE id = ?1", id);
}

Result<TaskSequence> SoftwareTable::find_task_sequence(std::string_view id) {
  return find_document<TaskSequence>(c_.db, "task sequence", "SELECT document FROM task_sequences WHERE id = ?1", id);
}
Result<std::vector<TaskSequence>> SoftwareTable::list_task_sequences() {
  return list_documents<TaskSequence>(c_.db, "SELECT document FROM task_sequences ORDER BY id");
}
Status SoftwareTable::put_task_sequence(const TaskSequence& sequence) {
  return c_.db.run("INSERT INTO task_sequences VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET document = ?2", sequence.id,
                   wire::to_text(sequence, wire::Secrets::shown));
}
Status SoftwareTable::remove_task_sequence(std::string_view id) {
  return remove_one(c_.db, "task sequence", "DELETE FROM task_sequences WHERE id = ?1", id);
}

}  // namespace fp::store::sqlite

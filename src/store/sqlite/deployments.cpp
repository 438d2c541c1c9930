#include "store/sqlite/documents.hpp"
#include "store/sqlite/tables.hpp"

namespace fp::store::sqlite {
namespace {

DeploymentState state_of(Row& r) {
  DeploymentState s;
  s.deployment_id = r.text();
  s.client_id = r.client();
  s.state = static_cast<int>(r.number());
  s.detail = r.text();
  s.at = r.time();
  return s;
}

}  // namespace

Result<Deployment> DeploymentsTable::find(std::string_view id) {
  return find_document<Deployment>(c_.db, "deployment", "SELECT document FROM deployments WHERE id = ?1", id);
}
Result<std::vector<Deployment>> DeploymentsTable::list() {
  return list_documents<Deployment>(c_.db, "SELECT document FROM deployments ORDER BY id");
}
Status DeploymentsTable::put(const Deployment& deployment) {
  return c_.db.run("INSERT INTO deployments VALUES(?1, ?2, ?3) ON CONFLICT(id) DO UPDATE SET collection_id = ?2, document = ?3",
                   deployment.id, deployment.collection_id, wire::to_text(deployment));
}
Status DeploymentsTable::remove(std::string_view id) {
  FP_CHECK(remove_one(c_.db, "deployment", "DELETE FROM deployments WHERE id = ?1", id));
  return c_.db.run("DELETE FROM deployment_states WHERE deployment_id = ?1", id);
}

Status DeploymentsTable::put_state(const DeploymentState& s) {
  return c_.db.run("INSERT INTO deployment_states VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(deployment_id, client) DO UPDATE SET "
                   "state = ?3, detail = ?4, at = ?5 WHERE at <= ?5",
                   s.deployment_id, ClientRef{s.client_id}, s.state, s.detail, s.at);
}
Result<DeploymentState> DeploymentsTable::state(std::string_view id, std::string_view client_id) {
  return c_.db.one(
      "deployment state",
      "SELECT deployment_id, client, state, detail, at FROM deployment_states WHERE deployment_id = ?1 AND client = ?2", state_of,
      id, ClientRef{client_id});
}
Result<std::vector<DeploymentState>> DeploymentsTable::states(std::string_view id, int limit, std::string_view after_client) {
  return c_.db.all(
      "SELECT deployment_id, client, state, detail, at FROM deployment_states WHERE deployment_id = ?1 AND client > ?2 "
      "ORDER BY client LIMIT ?3",
      state_of, id, ClientRef{after_client}, std::max(limit, 0));
}
Result<std::vector<DeploymentState>> DeploymentsTable::states_of_device(std::string_view client_id) {
  return c_.db.all(
      "SELECT deployment_id, client, state, detail, at FROM deployment_states WHERE client = ?1 ORDER BY deployment_id", state_of,
      ClientRef{client_id});
}

// Of the devices that are members now; who has said nothing, or nothing that counts, is unknown.
Result<DeploymentSummary> DeploymentsTable::summary(std::string_view id) {
  FP_TRY(collection,
         c_.db.one(
             "deployment", "SELECT collection_id FROM deployments WHERE id = ?1", [](Row& r) { return r.text(); }, id));
  DeploymentSummary sum;
  FP_CHECK(c_.db.each(
      "SELECT member_count FROM collections WHERE id = ?1", [&](Row& r) { sum.targeted = r.number(); }, collection));
  FP_CHECK(c_.db.each("SELECT s.state / 1000, count(*) FROM deployment_states s JOIN members m ON m.collection_id = ?2 AND "
                      "m.client = s.client AND m.gone = 0 WHERE s.deployment_id = ?1 GROUP BY 1",
                      [&](Row& r) {
                        const auto thousand = r.number();
                        const auto count = r.number();
                        if (thousand == 1) sum.success = count;
                        else if (thousand == 2) sum.in_progress = count;
                        else if (thousand == 3) sum.requirements_not_met = count;
                        else if (thousand == 5) sum.error = count;
                      }, id, collection));
  sum.unknown = sum.targeted - sum.success - sum.in_progress - sum.requirements_not_met - sum.error;
  return sum;
}

}  // namespace fp::store::sqlite

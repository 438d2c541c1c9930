#include <gtest/gtest.h>

#include "model/administration.hpp"
#include "model/collection.hpp"
#include "model/content.hpp"
#include "model/deployment.hpp"
#include "model/device.hpp"
#include "model/peer.hpp"
#include "model/policy.hpp"
#include "model/query.hpp"
#include "model/report.hpp"

namespace fp {

TEST(Device, HoldsPolicyOnlyWhenApprovedAndNotBlocked) {
  Device device;
  EXPECT_FALSE(device.may_have_policy());
  device.approval = Approval::not_applicable;
  EXPECT_TRUE(device.may_have_policy());
  device.blocked = true;
  EXPECT_FALSE(device.may_have_policy());
}

TEST(Peer, NamesEveryProblem) {
  for (int p = 0; p <= static_cast<int>(CertificateProblem::blocked); ++p)
    EXPECT_NE(to_string(static_cast<CertificateProblem>(p)), "?");
}

}  // namespace fp

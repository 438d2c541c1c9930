// domain.md §7: every name an administrator brings along is known, works, or is answered with a reason.
#include "agent/core/install_order.hpp"
#include "base/test_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>


using namespace fp;
using namespace fp::agent;

namespace {

struct InstallOrderTest : testing::Test {
  InstallOrderTest() {
    around.free_bytes = [](const Path&) { return Result<std::int64_t>(4000LL << 20); };
    around.disk_bytes = [](const Path&) { return Result<std::int64_t>(20'000LL << 20); };
    around.cache = dir / "cache";
  }
  InstallOrder order(std::vector<std::string> words) const { return read_install_order(words, around); }
  InstallOrder good(std::vector<std::string> words) const {
    words.insert(words.end(), {"SMSSITECODE=LAB", "SMSMP=https://mp1"});
    auto out = order(words);
    EXPECT_TRUE(out.problems.empty()) << out.problems.front();
    return out;
  }
  static bool says(const std::vector<std::string>& lines, std::string_view first, std::string_view second = "") {
    return std::ranges::any_of(lines, [&](const auto& l) {
      return l.find(first) != std::string::npos && l.find(second) != std::string::npos;
    });
  }
  void installed(const char* site, std::int64_t cache_mb = 5120) {
    around.existing = InstallSettings{};
    around.existing->site_code = site;
    around.existing->management_points = {"https://old"};
    around.existing->cache_mb = cache_mb;
  }

  TestFolder folder;
  const Path dir = folder.path();
  Surroundings around;
};

}  // namespace

TEST_F(InstallOrderTest, EnrolmentNeedsAProxyPointARootAndOneSecret) {
  const std::vector<std::string> base = {"SMSSITECODE=LAB", "CCMHOSTNAME=mp1", "ENROLLMENTPROXYPOINT=mp1:8443"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), base.begin(), base.end());
    return order(more);
  };
  const auto root = dir / "root.pem";
  ASSERT_TRUE(write_file(root, "x"));
  const std::string ca = "CAFILE=" + root.string();
  const auto good = with({ca, "ENROLLMENTTOKENFILE=-"});
  EXPECT_TRUE(good.problems.empty()) << good.problems.front();
  EXPECT_TRUE(good.enroll);
  EXPECT_TRUE(good.settings.use_pki) << "what is enrolled is a PKI certificate";
  EXPECT_EQ(good.settings.enrollment_proxy_point, "mp1:8443");
  EXPECT_EQ(to_text(good.settings).find("TOKEN"), std::string::npos) << "a secret is never kept";
  const auto shown = with({ca, "ENROLLMENTTOKEN=fpe_x"});
  EXPECT_TRUE(says(shown.notes, "ENROLLMENTTOKENFILE keeps it out"));
  EXPECT_TRUE(says(with({"ENROLLMENTTOKENFILE=-"}).problems, "ENROLLMENTPROXYPOINT needs --ca-file"));
  EXPECT_TRUE(says(with({ca, "/Enroll"}).problems, "needs one of ENROLLMENTTOKENFILE"));
  EXPECT_TRUE(says(with({ca, "ENROLLMENTTOKEN=x", "ENROLLMENTTOKENFILE=-"}).problems, "needs one of"));
  EXPECT_TRUE(says(order({"SMSSITECODE=LAB", "CCMHOSTNAME=mp1", "/Enroll", "ENROLLMENTTOKENFILE=-"}).problems, "/Enroll needs ENROLLMENTPROXYPOINT"));
}

TEST_F(InstallOrderTest, EveryNameOfTheReferenceIsKnown) {
  const auto known = known_install_names();
  for (const char* name :
       {"MP", "SOURCE", "USEPKICERT", "NOCRLCHECK", "REGTOKEN", "RETRY", "DOWNLOADTIMEOUT", "BITSPRIORITY", "LOGON",
        "FORCEINSTALL", "UNINSTALL", "NOSERVICE", "SERVICE", "FORCEREBOOT", "SKIPPREREQ", "EXCLUDEFEATURES", "CONFIG", "ALLOWMETERED",
        "ALWAYSEXCLUDEUPGRADE", "IGNORESKIPUPGRADE", "UPGRADETOLATEST", "?", "CCMALWAYSINF", "CCMHOSTNAME", "SMSSITECODE",
        "SMSMP", "SMSMPLIST", "FSP", "CCMCERTSEL", "CCMCERTSTORE", "CCMCERTISSUERS", "CCMFIRSTCERT", "CCMCERTNAMECHECK", "CCMHTTPPORT",
        "CCMHTTPSPORT", "DNSSUFFIX", "SMSSIGNCERT", "SMSPUBLICROOTKEY", "SMSROOTKEYPATH", "RESETKEYINFORMATION", "SITEREASSIGN",
        "CCMINSTALLDIR", "SMSCACHEDIR", "SMSCACHESIZE", "SMSCACHEFLAGS", "DISABLESITEOPT", "DISABLECACHEOPT", "CCMADMINS",
        "CCMLOGLEVEL", "CCMLOGMAXSIZE", "CCMLOGMAXHISTORY", "CCMENABLELOGGING", "CCMDEBUGLOGGING", "CCMEVALINTERVAL",
        "CCMEVALHOUR", "NOTIFYONLY", "PROVISIONTS", "CCMALLOWSILENTREBOOT", "IGNOREAPPVVERSIONCHECK", "MANAGEDINSTALLER", "AADTENANTID",
        "AADCLIENTAPPID", "AADRESOURCEURI", "INSTALL", "SMSCONFIGSOURCE"}) {
    EXPECT_TRUE(std::ranges::binary_search(known, name)) << name;
  }
  EXPECT_TRUE(says(order({"NOSUCH=1"}).problems, "NOSUCH"));
  EXPECT_TRUE(says(order({"/nosuch"}).problems, "/nosuch"));
}

TEST_F(InstallOrderTest, WhatHasNoMeaningHereIsLeftOutWithItsReason) {
  const auto o = good({"/retry:10", "/downloadtimeout:60", "/BITSPriority:high", "/noservice", "/forcereboot", "CCMADMINS=DOM\\a",
                       "CCMINSTALLDIR=C:\\ccm", "NOTIFYONLY=TRUE", "MANAGEDINSTALLER=1"});
  for (const char* name : {"/retry", "/downloadtimeout", "/bitspriority", "/noservice", "/forcereboot", "CCMADMINS",
                           "CCMINSTALLDIR", "NOTIFYONLY", "MANAGEDINSTALLER"}) {
    EXPECT_TRUE(says(o.notes, name, "is left out: ")) << name;
  }
}

TEST_F(InstallOrderTest, WhatCannotWorkIsRefusedWithItsReason) {
  for (const char* word : {"PROVISIONTS=LAB20001", "AADTENANTID=x", "/regtoken:ey"}) {
    EXPECT_TRUE(says(order({word}).problems, "is refused: ")) << word;
  }
  for (const char* word : {"/retry:soon", "/BITSPriority:some", "/mp", "/UsePKICert:1", "SMSCONFIGSOURCE=X", "SMSCONFIGSOURCE=U",
                           "SMSCACHEFLAGS=WHAT", "RESETKEYINFORMATION=maybe", "/config:/nowhere", "/source:/nowhere"}) {
    EXPECT_FALSE(order({word, "SMSSITECODE=LAB", "SMSMP=mp1"}).problems.empty()) << word;
  }
  EXPECT_TRUE(says(order({"SMSCACHEFLAGS=PERCENTDISKSPACE;PERCENTFREEDISKSPACE"}).problems, "PERCENTDISKSPACE",
                   "PERCENTFREEDISKSPACE"));
  EXPECT_TRUE(says(order({"SITEREASSIGN=TRUE", "SMSSITECODE=LAB", "SMSMP=mp1"}).problems, "SITEREASSIGN", "AUTO"));
}

TEST_F(InstallOrderTest, InternetOnlyOrNotIsSettledUntilItIsInstalledAfresh) {
  installed("LAB");
  EXPECT_TRUE(says(order({"CCMALWAYSINF=1", "CCMHOSTNAME=mp.example.org", "/UsePKICert"}).problems, "settled at installation"));
  const auto o = order({"SMSCONFIGSOURCE=P", "SMSSITECODE=LAB", "CCMALWAYSINF=1", "CCMHOSTNAME=mp.example.org", "/UsePKICert"});
  EXPECT_TRUE(o.problems.empty());
  EXPECT_TRUE(o.settings.always_internet);
}

TEST_F(InstallOrderTest, InstallingAgainKeepsWhatIsNotNamed) {
  installed("LAB");
  around.existing->log_level = 0;
  const auto o = order({"SMSMP=https://new", "CCMLOGMAXSIZE=20000"});
  EXPECT_TRUE(o.problems.empty());
  EXPECT_EQ(o.settings.site_code, "LAB");
  EXPECT_EQ(o.settings.log_level, 0);
  EXPECT_EQ(o.settings.log_bytes_max, 20'000);
  EXPECT_EQ(o.settings.management_points, std::vector<std::string>{"https://new"});
  EXPECT_TRUE(says(o.notes, "--reinstall"));
  EXPECT_TRUE(says(order({"SMSCONFIGSOURCE=P", "SMSMP=mp"}).problems, "SMSSITECODE is missing"));
  EXPECT_TRUE(says(order({"/forceinstall", "SMSMP=mp"}).problems, "SMSSITECODE is missing"));
}

TEST_F(InstallOrderTest, AnAssignedClientStaysUnlessItMayBeReassigned) {
  installed("LAB");
  EXPECT_EQ(order({"SMSSITECODE=AUTO"}).settings.site_code, "LAB");
  const auto again = order({"SMSSITECODE=AUTO", "SITEREASSIGN=TRUE"});
  EXPECT_EQ(again.settings.site_code, "AUTO");
  EXPECT_TRUE(again.reassign);
}

TEST_F(InstallOrderTest, TheCacheIsSizedByPartsOfTheDiskAndNeverShrinks) {
  EXPECT_EQ(good({"SMSCACHESIZE=10", "SMSCACHEFLAGS=PERCENTDISKSPACE"}).settings.cache_mb, 2000);
  EXPECT_EQ(good({"SMSCACHESIZE=50", "SMSCACHEFLAGS=PERCENTFREEDISKSPACE"}).settings.cache_mb, 2000);
  EXPECT_TRUE(says(order({"SMSSITECODE=LAB", "SMSMP=mp", "SMSCACHEFLAGS=PERCENTDISKSPACE"}).problems, "1 to 100"));
  EXPECT_TRUE(says(order({"SMSSITECODE=LAB", "SMSMP=mp", "SMSCACHESIZE=5000", "SMSCACHEFLAGS=FAILIFNOSPACE"}).problems,
                   "FAILIFNOSPACE", "4000 MB"));
  EXPECT_TRUE(says(good({"SMSCACHEFLAGS=MAXDRIVE;COMPRESS"}).notes, "MAXDRIVE", "left out"));
  installed("LAB", 800);
  EXPECT_EQ(order({"SMSCACHESIZE=100"}).settings.cache_mb, 800);
  EXPECT_EQ(order({"SMSCACHESIZE=900"}).settings.cache_mb, 900);
}

TEST_F(InstallOrderTest, AFileOfPropertiesIsReadAndTheCommandLineWins) {
  ASSERT_TRUE(write_file(dir / "setup.ini",
                         "[Other]\nInstall=SMSSITECODE=XYZ\n[Client Install]\n"
                         "Install=INSTALL=ALL SMSSITECODE=LAB SMSMP=\"https://mp1;https://mp2\" "
                         "CCMCERTSEL=\"SubjectStr:a b\" /UsePKICert\n"));
  const auto o = order({"/config:" + (dir / "setup.ini").string(), "SMSSITECODE=NEW"});
  EXPECT_TRUE(o.problems.empty());
  EXPECT_EQ(o.settings.site_code, "NEW");
  EXPECT_EQ(o.settings.management_points.size(), 2U);
  EXPECT_EQ(o.settings.certificate_selection, "SubjectStr:a b");
  EXPECT_TRUE(o.settings.use_pki);
  ASSERT_TRUE(write_file(dir / "bad.ini", "[Client Install]\nInstall=SMSMP=\"open\n"));
  EXPECT_TRUE(says(order({"/config:" + (dir / "bad.ini").string()}).problems, "quotation"));
}

TEST_F(InstallOrderTest, TheMediaFolderBringsTheTrustThatIsNotNamed) {
  ASSERT_TRUE(write_file(dir / "ca.pem", "x"));
  ASSERT_TRUE(write_file(dir / "site-signing.pem", "x"));
  const auto o = good({"/source:" + dir.string()});
  EXPECT_EQ(o.settings.ca_file, (dir / "ca.pem").string());
  EXPECT_EQ(o.settings.signing_certificate, (dir / "site-signing.pem").string());
  ASSERT_TRUE(write_file(dir / "other.pem", "x"));
  const auto other = (dir / "other.pem").string();
  EXPECT_EQ(good({"/source:" + dir.string(), "CAFILE=" + other}).settings.ca_file, other);
}

TEST_F(InstallOrderTest, AComputerOfADomainNeedsNoWordAboutWhomToAsk) {
  EXPECT_TRUE(says(order({"SMSSITECODE=AUTO"}).problems, "SMSSITECODE=AUTO", "DOMAIN"));
  around.joined_domain = "corp.test";
  const auto joined = order({"SMSSITECODE=AUTO"});
  EXPECT_TRUE(joined.problems.empty());
  EXPECT_EQ(joined.settings.domain, "corp.test");
  EXPECT_TRUE(says(joined.notes, "domain corp.test", "/etc/krb5.conf"));
  EXPECT_TRUE(order({"SMSSITECODE=LAB"}).problems.empty());
  EXPECT_EQ(order({"SMSSITECODE=LAB", "DOMAIN=other.test"}).settings.domain, "other.test");
}

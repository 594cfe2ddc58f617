// The container is the outer sandbox; the browser's own has no user namespaces in it, and would say so at each start.
pref("security.sandbox.warn_unprivileged_namespaces", false);
pref("datareporting.policy.dataSubmissionEnabled", false);
pref("browser.aboutwelcome.enabled", false);

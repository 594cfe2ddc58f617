// Where the agent keeps what: the layout of its state directory (mode 0700, root's). Pure.
#pragma once
#include <string>

#include "base/ids.hpp"

namespace slipway::agent {

struct StatePaths {
  std::string root;  ///< "/var/lib/slipway-agent"

  [[nodiscard]] std::string lock() const { return root + "/lock"; }
  [[nodiscard]] std::string agent_id() const { return root + "/agent-id"; }  ///< value of the containers' label
  [[nodiscard]] std::string identity() const { return root + "/credential.json"; }
  [[nodiscard]] std::string journal() const { return root + "/journal"; }
  [[nodiscard]] std::string programs() const { return root + "/bin"; }
  [[nodiscard]] std::string cache() const { return root + "/cache"; }
  [[nodiscard]] std::string allocations() const { return root + "/allocations"; }
  [[nodiscard]] std::string homes() const { return root + "/homes"; }            ///< file systems that homes lie on
  [[nodiscard]] std::string home_tasks() const { return root + "/home-tasks"; }  ///< archives on their way
  [[nodiscard]] std::string placed(const AllocationId& id) const { return allocation(id) + "/placed.json"; }
  [[nodiscard]] std::string allocation(const AllocationId& id) const { return allocations() + "/" + id.text(); }
  [[nodiscard]] std::string work(const AllocationId& id) const { return allocation(id) + "/work"; }
  [[nodiscard]] std::string artifacts(const AllocationId& id) const { return allocation(id) + "/artifacts"; }
  [[nodiscard]] std::string log(const AllocationId& id) const { return allocation(id) + "/log"; }
  [[nodiscard]] std::string startup(const AllocationId& id) const { return allocation(id) + "/startup"; }
  [[nodiscard]] std::string process(const AllocationId& id) const { return allocation(id) + "/process"; }
  [[nodiscard]] std::string home(const AllocationId& id) const { return allocation(id) + "/home"; }
};

}  // namespace slipway::agent

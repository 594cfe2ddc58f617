#include "store/store_contract.hpp"

namespace slipway::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract,
                         testing::Values(StoreUnderTest{.name = "Memory", .make = make_memory_store}), contract_name);

}  // namespace
}  // namespace slipway::store

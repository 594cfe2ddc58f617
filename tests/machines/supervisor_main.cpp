// Stands for `slipway internal-supervisor` in the tests.
#include "localcloud/machines/supervisor.hpp"

int main(int argc, char** argv) { return slipway::localcloud::supervise({argv + 1, argv + argc}); }

// Resources as the JSON bodies of rows, and back. A field that an older version did not write reads as its default.
#pragma once
#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "localcloud/inventory/resources.hpp"

namespace slipway::localcloud {

boost::json::value to_row(const Instance& value);
boost::json::value to_row(const Image& value);
boost::json::value to_row(const Volume& value);
boost::json::value to_row(const KeyPair& value);
boost::json::value to_row(const Group& value);
boost::json::value to_row(const FileSystem& value);
boost::json::value to_row(const MountTarget& value);
boost::json::value to_row(const LaunchToken& value);
boost::json::value to_row(const Settings& value);

/// Corrupt if a field has the wrong type.
Result<void> from_row(const boost::json::value& row, Instance& value);
Result<void> from_row(const boost::json::value& row, Image& value);
Result<void> from_row(const boost::json::value& row, Volume& value);
Result<void> from_row(const boost::json::value& row, KeyPair& value);
Result<void> from_row(const boost::json::value& row, Group& value);
Result<void> from_row(const boost::json::value& row, FileSystem& value);
Result<void> from_row(const boost::json::value& row, MountTarget& value);
Result<void> from_row(const boost::json::value& row, LaunchToken& value);
Result<void> from_row(const boost::json::value& row, Settings& value);

}  // namespace slipway::localcloud

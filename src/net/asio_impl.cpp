// The compiled part of Boost.Asio and its TLS streams (BOOST_ASIO_SEPARATE_COMPILATION), once for the
// program.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>

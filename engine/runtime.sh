#!/usr/bin/env bash
# As much of Java as the engine uses, into a directory that must not be there: some 50 MB instead of 190.
#   engine/runtime.sh DIRECTORY
set -euo pipefail
into=${1:?usage: engine/runtime.sh DIRECTORY}
# java.desktop: commons-beanutils, which reads the properties, is written against java.beans.
# jdk.crypto.ec: the curves that AWS's endpoints offer. jdk.unsupported: netty's sun.misc.Unsafe.
modules=java.base,java.desktop,java.logging,java.management,java.naming,java.security.jgss,java.sql,java.xml
jlink --add-modules "$modules,jdk.crypto.ec,jdk.unsupported,jdk.zipfs" \
    --strip-debug --no-header-files --no-man-pages --compress=2 --output "$into"
# Java's own classes, laid out once, so that each start maps them.
"$into/bin/java" -Xshare:dump -XX:+UseSerialGC >/dev/null

#!/usr/bin/env bash
# The engine into a directory: its jars from Maven, each held to engine/jars.sha256, and our classes beside them.
# The image's build and `make engine` both run this; nothing is fetched when the engine starts.
#   engine/install.sh DIRECTORY             fetch, check, compile
#   engine/install.sh DIRECTORY --accept    write engine/jars.sha256 anew, after engine/pom.xml was changed
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
into=${1:?usage: engine/install.sh DIRECTORY [--accept]}
accept=${2:-}
copy=org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies

missing() {
    echo "engine: $1" >&2
    exit 1
}

command -v javac >/dev/null || missing "needs a JDK, 17 or newer, and there is no javac on the PATH: on Debian, apt-get install openjdk-17-jdk-headless"
release=$(javac -version 2>&1 | sed -E 's/^javac ([0-9]+).*/\1/')
[ "$release" -ge 17 ] || missing "needs a JDK, 17 or newer; javac says $release: on Debian, apt-get install openjdk-17-jdk-headless"
command -v mvn >/dev/null || missing "needs Maven, and there is no mvn on the PATH: on Debian, apt-get install maven"

rm -rf "$into/jars" "$into/classes"
mkdir -p "$into/jars" "$into/classes"
mvn --batch-mode --no-transfer-progress --quiet --file "$here/pom.xml" "$copy" \
    -DincludeScope=runtime -DoutputDirectory="$(cd "$into/jars" && pwd)"

cd "$into/jars"
if [ "$accept" = --accept ]; then
    LC_ALL=C sha256sum ./*.jar | sed 's, \./, ,' >"$here/jars.sha256"
fi
# Both ways: no jar that is not listed, none listed that is not there, none that is another one.
listed=$(sed 's/^[0-9a-f]*  //' "$here/jars.sha256" | LC_ALL=C sort)
fetched=$(printf '%s\n' *.jar | LC_ALL=C sort)
[ "$listed" = "$fetched" ] || missing "the jars are not those of engine/jars.sha256:
$(diff <(echo "$listed") <(echo "$fetched") || true)
After a change of engine/pom.xml that was meant: engine/install.sh DIRECTORY --accept, and read the difference"
sha256sum --check --strict --quiet "$here/jars.sha256" || missing "a jar is not the one of engine/jars.sha256: do not use it"
cd "$OLDPWD"

find "$here/src" -name '*.java' -print0 | xargs -0 \
    javac --release 17 -Xlint:all -Werror -encoding UTF-8 -cp "$into/jars/*" -d "$into/classes"
cp "$here/logback.xml" "$into/classes/"

#!/bin/sh
# Build the files of a release and check them against its tag.
# Usage: release_check.sh PYTHON TAG (a Python with the packages build and twine)
set -eu
python=$1
tag=${2:?the tag is missing: make release-check TAG=v1.2.3}
version=$("$python" -c "
import pathlib, re
print(re.search(r'^version = \"(.+)\"', pathlib.Path('pyproject.toml').read_text(), re.M)[1])")
if [ "$tag" != "v$version" ]; then
    echo "release-check: the tag is $tag, but pyproject.toml has version $version" >&2
    exit 1
fi
if ! grep -q "^## \[$version\] - 20" CHANGELOG.md; then
    echo "release-check: CHANGELOG.md has no heading '## [$version] - DATE'" >&2
    exit 1
fi
rm -rf dist
"$python" -m build
"$python" -m twine check --strict dist/*
echo "release-check: dist/ holds version $version"

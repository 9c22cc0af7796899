# What bare git takes for the same refs and files: a worktree each, the agent in it, its work and its completed spec merged
# in memory in one commit, the branch and the checkout moved, worktree and branch removed. JOBS at once.
# sh bare_git.sh JOBS, in the repository
set -eu
jobs=$1
: "${place:=$(mktemp -d)}"
lock=$place/lock
export place

one() {
    spec=$1
    id=${spec##*/}
    id=${id%.md}
    tree=$place/$id
    flock "$lock" git worktree add -q --no-track --no-checkout -b "spec/$id" "$tree" main
    git -C "$tree" reset -q --hard
    sed -n '/^run: |/,/^---/s/^  //p' "$spec" > "$place/$id.sh"
    (cd "$tree" && sh "$place/$id.sh")
    {
        flock 9
        set -- $(git rev-parse main "spec/$id")
        merged=$(git merge-tree --write-tree "$1" "$2")
        # the finalized file goes into the merged tree by an index of its own
        sed "s/^status: pending/status: completed\ncommits:\n- $2\ncompleted_at: '2026-01-01T00:00:00Z'/" "$spec" > "$place/$id.md"
        blob=$(git hash-object -w "$place/$id.md")
        export GIT_INDEX_FILE="$place/index"
        git read-tree "$merged"
        git update-index --cacheinfo "100644,$blob,$spec"
        final=$(git write-tree)
        unset GIT_INDEX_FILE
        commit=$(git commit-tree -p "$1" -p "$2" -m "Finalize $id" "$final")
        git read-tree -m -u "$1" "$commit"
        git worktree remove --force "$tree"
        printf 'update refs/heads/main %s %s\ndelete refs/heads/spec/%s %s\n' "$commit" "$1" "$id" "$2" | git update-ref --stdin
    } 9> "$lock"
}

if [ "${2:-}" ]; then
    one "$2"
else
    ls .chant/specs/*.md | xargs -P "$jobs" -n 1 sh "$0" "$jobs"
fi

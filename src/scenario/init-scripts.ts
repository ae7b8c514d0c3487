/** The steps of a pipeline as shell scripts: the same on GitHub, on GitLab and by hand. Their input comes by environment only. */

/**
 * NAME: of the scenario. DATA: a checkout of the data branch, or nothing. A baseline in the repository goes before one
 * on the data branch.
 */
export const RESTORE = `mkdir -p "results/$NAME"
if [ ! -f "results/$NAME/baseline.json" ] && [ -f "\${DATA:-.}/results/$NAME/baseline.json" ]; then
  cp "$DATA/results/$NAME/baseline.json" "results/$NAME/baseline.json"
fi
if [ -f "results/$NAME/baseline.json" ]; then
  echo "baseline of $NAME restored"
else
  echo "no baseline of $NAME yet: this run is compared with nothing"
fi
`

/**
 * SCENARIO: the file. DRY_RUN: 'true' plans and sends nothing, for pull requests from forks, which get no key.
 * It never fails itself: the exit code is left in plumbline.exit.
 */
export const RUN = `code=0
if [ "\${DRY_RUN:-}" = true ]; then
  plumbline run "$SCENARIO" --dry-run || code=$?
else
  plumbline run "$SCENARIO" --out results --quiet || code=$?
fi
echo "$code" > plumbline.exit
`

/**
 * Compares where there is something to compare, and leaves the worse exit code of both in plumbline.exit.
 * ACCEPT: 'true' makes this run the baseline instead.
 */
export const COMPARE = `run=$(cat plumbline.exit)
compared=0
if [ "\${ACCEPT:-}" = true ]; then
  if [ "$run" -eq 0 ]; then plumbline accept "results/$NAME" || compared=$?; fi
elif [ "\${DRY_RUN:-}" != true ] && [ "$run" -le 1 ] && [ -f "results/$NAME/baseline.json" ]; then
  plumbline compare "baseline:$NAME" "results/$NAME" --format markdown > plumbline-comment.md || compared=$?
  GITHUB_STEP_SUMMARY= GITHUB_OUTPUT= GITHUB_ACTIONS= \\
    plumbline compare "baseline:$NAME" "results/$NAME" --format junit > plumbline-junit.xml || true
  cat plumbline-comment.md
fi
for code in 2 3 5 1 4 0; do
  if [ "$run" -eq "$code" ] || [ "$compared" -eq "$code" ]; then break; fi
done
if [ "$run" -gt 5 ]; then code=$run; fi
echo "$code" > plumbline.exit
echo "exit=$code" >> "\${GITHUB_OUTPUT:-/dev/null}"
`

/** Fails by the exit code of what was measured. INCONCLUSIVE: 'pass' lets 4 pass. */
export const VERDICT = `code=$(cat plumbline.exit)
case "$code" in
  0) echo "no regression found" ;;
  1) echo "a regression, or an expectation not met" ;;
  2) echo "the command or a file is wrong" ;;
  3) echo "the run did not complete" ;;
  4) echo "inconclusive: more blocks are needed" ;;
  5) echo "not comparable with the baseline" ;;
  *) echo "ended with $code" ;;
esac
if [ "$code" -eq 4 ] && [ "\${INCONCLUSIVE:-}" = pass ]; then code=0; fi
exit "$code"
`

/**
 * DATA_BRANCH: where snapshots are kept. FROM: the folder of results. A push that another one got ahead of is fetched
 * and tried again; only files are added, so a rebase meets no conflict but over a baseline, where the later run wins.
 */
export const KEEP = `work=$(mktemp -d)
git config user.name >/dev/null || git config user.name plumbline
git config user.email >/dev/null || git config user.email plumbline@users.noreply.github.com
if git fetch --quiet --depth 1 origin "refs/heads/$DATA_BRANCH"; then
  git worktree add --quiet --detach "$work/data" FETCH_HEAD
else
  git worktree add --quiet --detach --no-checkout "$work/data" HEAD
  git -C "$work/data" switch --quiet --orphan "plumbline-data-$$"
fi
mkdir -p "$work/data/results/$NAME"
find "$FROM/$NAME" -maxdepth 1 -type f -name '*.json' -exec cp {} "$work/data/results/$NAME/" \\;
cd "$work/data"
git add --force "results/$NAME"
git diff --cached --quiet || git commit --quiet -m "$NAME: results of run \${GITHUB_RUN_ID:-\${CI_PIPELINE_ID:-by hand}}"
for try in 1 2 3 4 5; do
  if git push --quiet origin "HEAD:refs/heads/$DATA_BRANCH"; then exit 0; fi
  echo "the push was rejected (try $try): fetched and tried again"
  sleep "$try"
  git fetch --quiet origin "refs/heads/$DATA_BRANCH"
  git rebase --quiet -X theirs FETCH_HEAD
done
echo "the data branch could not be pushed" >&2
exit 1
`

/**
 * For a job that may write comments and is given the artifact of one that may not. Everything in the artifact is
 * hostile: only two snapshots are read from it, as data, and the comment is made anew from them with every text
 * escaped. Which pull request it is says GitHub, never the artifact.
 * ARTIFACT: where it was unpacked. HEAD_OWNER, HEAD_BRANCH, HEAD_SHA: of the run that made it.
 */
export const COMMENT = `candidate=$(find "$ARTIFACT" -type f -name '2*.json' -size -20M | sort | tail -n 1)
baseline=$(find "$ARTIFACT" -type f -name baseline.json -size -20M | head -n 1)
if [ -z "$candidate" ] || [ -z "$baseline" ]; then
  echo "nothing was compared: no comment"
  exit 0
fi
code=0
plumbline compare "$baseline" "$candidate" --format markdown > comment.whole || code=$?
if [ "$code" -eq 2 ]; then
  echo "the artifact holds no snapshots that can be read: no comment"
  exit 0
fi
head -c 60000 comment.whole > comment.md
if [ "$(head -n 1 comment.md)" != '<!-- plumbline -->' ]; then printf '%s\\n' '<!-- plumbline -->' 'not comparable' > comment.md; fi
number=$(gh api --method GET "repos/$GITHUB_REPOSITORY/pulls" -f state=open -f head="$HEAD_OWNER:$HEAD_BRANCH" \\
  --jq "[.[] | select(.head.sha == \\"$HEAD_SHA\\") | .number] | first // empty")
if [ -z "$number" ]; then
  echo "no open pull request has this commit as its head: no comment"
  exit 0
fi
id=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$number/comments" \\
  --jq '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- plumbline -->"))) | .id' | head -n 1)
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F body=@comment.md
else
  gh api --silent --method POST "repos/$GITHUB_REPOSITORY/issues/$number/comments" -F body=@comment.md
fi
`

/** GitHub switches a schedule off after 60 days without a commit, and says nothing. */
export const LAST_SEEN = `last=$(gh api "repos/$GITHUB_REPOSITORY/actions/workflows/plumbline.yml/runs?event=schedule&per_page=1" \\
  --jq '.workflow_runs[0].created_at // "never"' 2>/dev/null || echo "not known")
echo "the schedule was last seen: $last" | tee -a "\${GITHUB_STEP_SUMMARY:-/dev/null}"
`

/** GitLab: a note of the merge request, updated in place. COMMENT_TOKEN: a project access token with scope api. */
export const GITLAB_COMMENT = `if [ -z "\${PLUMBLINE_COMMENT_TOKEN:-}" ] || [ -z "\${CI_MERGE_REQUEST_IID:-}" ] || [ ! -f plumbline-comment.md ]; then
  echo "no comment: not a merge request, nothing compared, or PLUMBLINE_COMMENT_TOKEN is not set"
else
  notes="$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
  head -c 60000 plumbline-comment.md > comment.md
  id=$(curl --fail --silent --header "PRIVATE-TOKEN: $PLUMBLINE_COMMENT_TOKEN" "$notes?per_page=100&sort=desc" |
    node -e 'let t="";process.stdin.on("data",(d)=>(t+=d)).on("end",()=>console.log(JSON.parse(t).find((n)=>n.body.startsWith("<!-- plumbline -->"))?.id??""))')
  if [ -n "$id" ]; then
    curl --fail --silent --output /dev/null --request PUT --header "PRIVATE-TOKEN: $PLUMBLINE_COMMENT_TOKEN" --data-urlencode body@comment.md "$notes/$id"
  else
    curl --fail --silent --output /dev/null --request POST --header "PRIVATE-TOKEN: $PLUMBLINE_COMMENT_TOKEN" --data-urlencode body@comment.md "$notes"
  fi
fi
`

/** The pipelines that `plumbline init` writes: what runs when, with which rights. */
import { COMMENT, COMPARE, GITLAB_COMMENT, KEEP, LAST_SEEN, RESTORE, RUN, VERDICT } from './init-scripts.js'

export interface Pipeline {
  /** File of the scenario, and its name. */
  scenario: string
  name: string
  /** What is measured: two runs of one target never overlap. */
  target: string
  /** Variable of the key; null: none is needed. */
  keyEnv: string | null
  /** Minute at which the nightly run starts; an odd one, for at full hours GitHub drops runs. */
  minute: number
  /** Version of the package. */
  version: string
}

/** Actions by commit: a tag can be moved. */
const CHECKOUT = 'actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2'
const SETUP_NODE = 'actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0'
const UPLOAD = 'actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2'
const DOWNLOAD = 'actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0'

export function githubWorkflow({ scenario, name, target, keyEnv, minute, version }: Pipeline): string {
  const key = keyEnv === null ? '' : `\n          ${keyEnv}: \${{ secrets.${keyEnv} }}`
  return `# Measures ${name} every night, by hand, and for each pull request. Written by plumbline init.
name: plumbline
on:
  schedule:
    # UTC. GitHub starts runs late or drops them at full hours, and switches a schedule off after 60 days without a commit.
    - cron: '${minute} 3 * * *'
  workflow_dispatch:
    inputs:
      accept:
        description: make this run the baseline (kept on the data branch, or to be committed from the artifact)
        type: boolean
        default: false
  pull_request:

permissions: {}

# One run at a time: two would measure each other.
concurrency:
  group: plumbline ${target}
  cancel-in-progress: false

env:
  SCENARIO: ${scenario}
  NAME: '${name}'

jobs:
  measure:
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    permissions:
      contents: read
      actions: read
    steps:
      - uses: ${CHECKOUT}
        with:
          persist-credentials: false
      - uses: ${CHECKOUT}
        # Set the repository variable PLUMBLINE_DATA_BRANCH to keep snapshots and baseline on a branch of their own.
        if: vars.PLUMBLINE_DATA_BRANCH != ''
        continue-on-error: true
        with:
          ref: \${{ vars.PLUMBLINE_DATA_BRANCH }}
          path: plumbline-data
          persist-credentials: false
      - uses: ${SETUP_NODE}
        with:
          node-version: 24
      - name: Install
        run: npm install --global --ignore-scripts llm-plumbline@${version}
      - name: Say when the schedule was last seen
        if: github.event_name == 'workflow_dispatch'
        env:
          GH_TOKEN: \${{ github.token }}
        run: |
${indented(LAST_SEEN, 10)}
      - name: Restore the baseline
        env:
          DATA: plumbline-data
        run: |
${indented(RESTORE, 10)}
      - name: Run
        env:
          # A pull request from a fork gets no key: its scenario is checked and planned, and nothing is sent.
          DRY_RUN: \${{ github.event_name == 'pull_request' && github.event.pull_request.head.repo.fork }}${key}
        run: |
${indented(RUN, 10)}
      - name: Compare
        env:
          ACCEPT: \${{ inputs.accept }}
          DRY_RUN: \${{ github.event_name == 'pull_request' && github.event.pull_request.head.repo.fork }}
        run: |
${indented(COMPARE, 10)}
      - uses: ${UPLOAD}
        if: always()
        with:
          name: plumbline
          path: |
            results/**/*.json
            plumbline-junit.xml
          if-no-files-found: ignore
          retention-days: 90
      - name: Verdict
        run: |
${indented(VERDICT, 10)}

  keep:
    # Apart from the job that holds the key: this one may write to the repository.
    needs: measure
    if: always() && vars.PLUMBLINE_DATA_BRANCH != '' && github.event_name != 'pull_request'
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: write
    steps:
      - uses: ${CHECKOUT}
      - uses: ${DOWNLOAD}
        with:
          name: plumbline
          path: kept
      - name: Keep the snapshot
        env:
          DATA_BRANCH: \${{ vars.PLUMBLINE_DATA_BRANCH }}
          FROM: \${{ github.workspace }}/kept/results
        run: |
${indented(KEEP, 10)}
`
}

export function githubCommentWorkflow({ version }: Pipeline): string {
  return `# Writes the comparison under the pull request. Apart from the job that measures: what a pull request made is hostile.
name: plumbline comment
on:
  workflow_run:
    workflows: [plumbline]
    types: [completed]

permissions: {}

jobs:
  comment:
    if: github.event.workflow_run.event == 'pull_request'
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      actions: read
      pull-requests: write
    steps:
      # No checkout: nothing of the pull request is run here.
      - uses: ${SETUP_NODE}
        with:
          node-version: 24
      - name: Install
        run: npm install --global --ignore-scripts llm-plumbline@${version}
      - uses: ${DOWNLOAD}
        with:
          name: plumbline
          path: \${{ runner.temp }}/artifact
          run-id: \${{ github.event.workflow_run.id }}
          github-token: \${{ github.token }}
      - name: Comment
        env:
          GH_TOKEN: \${{ github.token }}
          ARTIFACT: \${{ runner.temp }}/artifact
          HEAD_OWNER: \${{ github.event.workflow_run.head_repository.owner.login }}
          HEAD_BRANCH: \${{ github.event.workflow_run.head_branch }}
          HEAD_SHA: \${{ github.event.workflow_run.head_sha }}
        run: |
${indented(COMMENT, 10)}
`
}

export function gitlabPipeline({ scenario, name, target, keyEnv, version }: Pipeline): string {
  const key =
    keyEnv === null
      ? ''
      : `# ${keyEnv}: a masked and protected variable of the project (Settings, CI/CD). Pipelines of forks do not get it.\n`
  return `# Measures ${name} on a schedule (Build, Pipeline schedules; choose an odd minute), by hand, and for merge requests.
# Written by plumbline init.
${key}# PLUMBLINE_COMMENT_TOKEN: a project access token with the scope api, to comment on merge requests.
# PLUMBLINE_DATA_BRANCH and PLUMBLINE_PUSH_TOKEN (scope write_repository): to keep snapshots on a branch.
plumbline:
  image: node:24
  # One run at a time: two would measure each other.
  resource_group: plumbline ${target}
  timeout: 1h
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule" || $CI_PIPELINE_SOURCE == "web"
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  variables:
    SCENARIO: ${scenario}
    NAME: '${name}'
  script:
    - npm install --global --ignore-scripts llm-plumbline@${version}
    - |
      # Merge requests from forks: checked and planned, nothing is sent.
      if [ -n "\${CI_MERGE_REQUEST_SOURCE_PROJECT_ID:-}" ] && [ "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID" != "$CI_MERGE_REQUEST_PROJECT_ID" ]; then
        export DRY_RUN=true
      fi
      if [ -n "\${PLUMBLINE_DATA_BRANCH:-}" ] && git fetch --quiet --depth 1 origin "refs/heads/$PLUMBLINE_DATA_BRANCH"; then
        git worktree prune # of an earlier job: the runner cleans its folder away and keeps .git
        git worktree add --quiet --detach plumbline-data FETCH_HEAD
        export DATA=plumbline-data
      fi
    - |
${indented(RESTORE, 6)}
    - |
${indented(RUN, 6)}
    - |
${indented(COMPARE, 6)}
    - |
${indented(GITLAB_COMMENT, 6)}
    - |
      if [ -n "\${PLUMBLINE_DATA_BRANCH:-}" ] && [ -n "\${PLUMBLINE_PUSH_TOKEN:-}" ] && [ -z "\${CI_MERGE_REQUEST_IID:-}" ]; then
        git remote set-url --push origin "https://plumbline:$PLUMBLINE_PUSH_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git"
        export DATA_BRANCH=$PLUMBLINE_DATA_BRANCH FROM="$CI_PROJECT_DIR/results"
        (
${indented(KEEP, 10)}
        )
      fi
    - |
${indented(VERDICT, 6)}
  artifacts:
    when: always
    expire_in: 90 days
    paths:
      - results/
    reports:
      junit: plumbline-junit.xml
`
}

function indented(script: string, blanks: number): string {
  return script
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `${' '.repeat(blanks)}${line}`))
    .join('\n')
}

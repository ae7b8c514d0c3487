/** The GitLab job that `plumbline init` writes: its keywords, and a merge request of a fork. */
import { expect, test } from 'vitest'
import { clone, hasFile, noteServer } from './gitlab-job.js'

test('a merge request from a fork is planned and sends nothing, job after job in one clone, data branch or not: 0', async () => {
  const repo = await clone()
  const { url, notes } = await noteServer()
  const fork = {
    PLUMBLINE_COMMENT_TOKEN: 'comment-token',
    CI_API_V4_URL: url,
    CI_MERGE_REQUEST_IID: '7',
    CI_MERGE_REQUEST_PROJECT_ID: '5',
    CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '6',
  }
  for (const branch of ['main', 'main', 'gone']) {
    const ended = await repo.job('http://127.0.0.1:9/v1', { ...fork, PLUMBLINE_DATA_BRANCH: branch })
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stdout).toMatch(/prompt-length/)
    expect(hasFile(repo, 'plumbline-data')).toBe(branch === 'main')
  }
  expect(notes.length).toBe(1)
})

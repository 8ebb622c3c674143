import assert from "node:assert/strict";
import {
  ClientsApi,
  Configuration,
  ConflictErrorFromJSON,
  ProjectsApi,
  ResponseError,
  TimerApi,
  TimerConflictErrorFromJSON,
} from "./typescript-fetch";

const [basePath, accessToken] = process.argv.slice(2) as [string, string];
const configuration = new Configuration({ basePath, accessToken });
const clients = new ClientsApi(configuration);
const projects = new ProjectsApi(configuration);
const timer = new TimerApi(configuration);

async function refused(call: Promise<unknown>, status: number): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof ResponseError);
    assert.equal(error.response.status, status);
    return error.response.json();
  }
  return assert.fail("not refused");
}

async function main(): Promise<void> {
  const created = await clients.clientsCreate({
    clientRequest: { name: "Acme", email: "", defaultHourlyRate: 75.5, status: "active" },
  });
  const id = created.client.id;
  const listed = await clients.clientsList({ status: "active", perPage: 10 });
  assert.deepEqual(listed.clients.map((client) => client.name), ["Acme"]);

  const twin = await refused(clients.clientsCreate({ clientRequest: { name: "ACME" } }), 409);
  assert.equal(ConflictErrorFromJSON(twin).conflictingId, id);

  const tag = (await clients.clientsRetrieveRaw({ id })).raw.headers.get("etag")!;
  const change = (phone: string) =>
    clients.clientsPartialUpdate({ id, ifMatch: tag, patchedClientRequest: { phone } });
  assert.equal((await change("1")).client.phone, "1");
  await refused(change("2"), 412);

  const { project } = await projects.projectsCreate({ projectRequest: { name: "App", clientId: id } });
  const timerStartRequest = { projectId: project.id, tags: "a,b" };
  const started = await timer.timerStart({ timerStartRequest });
  assert.equal(started.timer.endTime, null);
  const again = await refused(timer.timerStart({ timerStartRequest }), 409);
  assert.equal(TimerConflictErrorFromJSON(again).timer?.id, started.timer.id);
  assert.equal((await timer.timerStatus()).timer?.projectName, "App");
  assert.deepEqual((await timer.timerStop()).timeEntry.tagList, ["a", "b"]);
}

void main();

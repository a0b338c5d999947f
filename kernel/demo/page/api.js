// Requests to the demo's own server. The token comes behind # in the address that was printed; it leaves the address bar at once, so that a
// projector does not show it, and stays in this tab.
const key = "tlab-demo-token";
if (location.hash.length > 1) {
  sessionStorage.setItem(key, location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

function headers() {
  return {"X-Demo-Token": sessionStorage.getItem(key) ?? ""};
}

// request answers with the JSON of the reply, or throws what the server says went wrong. error.status is the HTTP status, 0 without an answer.
export async function request(method, path, body) {
  let response;
  try {
    response = await fetch("/api/" + path, {method, body, headers: headers()});
  } catch {
    throw Object.assign(new Error("The demo does not answer. Is tlab demo still running?"), {status: 0});
  }
  const reply = await response.json().catch(() => null);
  if (!response.ok) {
    throw Object.assign(new Error(reply?.error ?? `The demo answers ${response.status}.`), {status: response.status});
  }
  return reply;
}

// json is request with a value as its body.
export function json(method, path, value) {
  return request(method, path, JSON.stringify(value));
}

// thumbnail is an address for the picture of that id.
export async function thumbnail(id) {
  const response = await fetch("/api/pictures/" + id, {headers: headers()});
  if (!response.ok) throw new Error("gone");
  return URL.createObjectURL(await response.blob());
}

// watch calls show with each state that the server sends, for good. lost is told when there is no connection, and why.
export async function watch(show, lost) {
  for (;;) {
    try {
      const response = await fetch("/api/events", {headers: headers()});
      if (!response.ok) throw new Error((await response.json()).error);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const {value, done} = await reader.read();
        if (done) break;
        text += value;
        const events = text.split("\n\n");
        text = events.pop();
        if (events.length > 0) show(JSON.parse(events.at(-1).slice("data: ".length))); // only the latest matters
      }
      lost("The demo has ended. Start tlab demo again and open the new address.");
    } catch (error) {
      lost(error instanceof TypeError ? "The demo does not answer. Is tlab demo still running?" : error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

"use strict";
(() => {
  const words = WORDS;
  const said = document.getElementById("said");
  const on = document.getElementById("on");
  const off = document.getElementById("off");
  const say = (text) => { said.textContent = text; said.hidden = false; };
  const show = (subscription) => { on.hidden = !!subscription; off.hidden = !subscription; };
  const tell = async (path, body) => {
    const answer = await fetch(location.pathname + path, { method: "POST", body, headers: { "content-type": "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
  };
  const active = (registration) => new Promise((resolve, reject) => {
    const worker = registration.active || registration.waiting || registration.installing;
    if (registration.active) { resolve(registration); return; }
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated") resolve(registration);
      if (worker.state === "redundant") reject(new Error("redundant"));
    });
  });
  const key = Uint8Array.from(atob(words.key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    on.hidden = true;
    say(words.cannot);
    return;
  }
  const registered = navigator.serviceWorker.register("/push/worker.js", { scope: "/push/" }).then(active);
  registered.then((registration) => registration.pushManager.getSubscription()).then(show, () => say(words.failed));
  on.addEventListener("click", async () => {
    try {
      if ((await Notification.requestPermission()) !== "granted") { say(words.denied); return; }
      const registration = await registered;
      const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      await tell("", JSON.stringify(subscription));
      show(subscription);
      say(words.done);
    } catch (error) { say(words.failed); }
  });
  off.addEventListener("click", async () => {
    try {
      const subscription = await (await registered).pushManager.getSubscription();
      if (subscription) {
        await tell("/remove", JSON.stringify(subscription));
        await subscription.unsubscribe();
      }
      show(null);
      say(words.ended);
    } catch (error) { say(words.failed); }
  });
})();

// The camera, which is on only while its button is pressed.
const video = document.getElementById("video");
let stream = null;
let asking = false; // the browser, which asks the user

export function isOn() {
  return stream !== null;
}

// ready tells whether there is a frame to take.
export function ready() {
  return stream !== null && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth > 0;
}

const reasons = {
  NotAllowedError: "The browser does not let this page use the camera: allow it beside the address, then press C again.",
  NotFoundError: "No camera is found. Files can be dropped instead.",
  NotReadableError: "Another program uses the camera. Close it, then press C again.",
};

// start switches it on. lost is called when it ends by itself: its cable is pulled, or the user takes the permission back.
export async function start(lost) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("This browser gives the camera to pages at 127.0.0.1 or localhost alone: open the address as it was printed.");
  }
  if (asking) return; // a second stream would keep the camera on for good
  asking = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 640}, height: {ideal: 480}}, audio: false});
    stream.getVideoTracks()[0].addEventListener("ended", lost);
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    throw new Error(reasons[error.name] ?? `The camera cannot be used: ${error.message}`);
  } finally {
    asking = false;
  }
}

export function stop() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
}
